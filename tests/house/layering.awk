# Finds #include lines that the order of the folders does not have (style S1,
# S3, S4). Input: the sources of rules, proto, policy and milter, named from
# the root of the project. Output: one line a fault; exit 1 when there is one.
BEGIN {
  # Which folders a folder may include.
  may["rules"] = " rules "
  may["proto"] = " proto "
  may["policy"] = " policy rules proto "
  may["milter"] = " milter policy rules proto "

  # Which files may include a foreign library; "any": all of them.
  home["absl"] = "any"
  home["CLI"] = "^milter/main\\.cc$"
  home["control.pb.h"] = "^milter/control(_stats)?\\.cc$"
  home["decision.pb.h"] = "^policy/(decision_record|policy_description|record_mask)\\.cc$"
  home["hiredis"] = "^policy/redis_reader\\.cc$"
  home["iconv.h"] = "^policy/charset\\.cc$"
  home["idn2.h"] = "^rules/domain_name\\.cc$"
  home["libmilter"] = "^milter/libmilter_(door|threads)\\.cc$"
  home["microhttpd.h"] = "^milter/web\\.cc$"
  home["nlohmann"] = "^milter/(commands/[a-z_]+|decision_(json|lines)|log_quote|stats_json)\\.cc$"
  home["re2"] = "^rules/pattern_set\\.cc$"
  home["openssl"] = "^policy/redis_(key|script)\\.cc$"
  home["state.pb.h"] = "^policy/state_file\\.cc$"
  home["statistics.pb.h"] = "^policy/statistics_record\\.cc$"
  home["spdlog"] = "^milter/log\\.cc$"
  home["zlib.h"] = "^policy/(journal_block|state_file)\\.cc$"
  home["zstd.h"] = "^policy/journal_(block|folder|reader)\\.cc$"
  home["uv.h"] = "^policy/(loop(_handle|_listener|_socket)?|redis_wire)\\.(cc|h)$"

  # `rules` is pure: no thread, clock, socket; only file_reader.cc reads files.
  impure = "^(atomic|chrono|condition_variable|future|mutex|shared_mutex|" \
           "thread|time\\.h|ctime|pthread\\.h|poll\\.h|netdb\\.h|syslog\\.h|" \
           "sys/(socket|epoll|time|un)\\.h|absl/(synchronization|time)/.*)$"
  reading = "^(fstream|filesystem|fcntl\\.h|unistd\\.h|glob\\.h|fnmatch\\.h|" \
            "dirent\\.h|sys/stat\\.h|cstdio|stdio\\.h)$"
}

function fault(text) {
  printf "%s:%d: %s\n", FILENAME, FNR, text
  faults++
}

/^[ \t]*#[ \t]*include[ \t]*["<]/ {
  quoted = $0 ~ /include[ \t]*"/
  header = $0
  sub(/^[^"<]*["<]/, "", header)
  sub(/[">].*$/, "", header)
  top = header
  sub(/\/.*$/, "", top)
  folder = FILENAME
  sub(/\/.*$/, "", folder)

  if (top in may || top == "tests" || top == "contrib") {
    if (index(may[folder], " " top " ") == 0)
      fault("`" folder "` must not know `" top "`: " header)
  } else if (folder == "rules" &&
             (header ~ impure ||
              (header ~ reading && FILENAME != "rules/file_reader.cc"))) {
    fault("`rules` is pure and must not know `" header "`")
  } else if (top in home) {
    if (home[top] != "any" && FILENAME !~ home[top])
      fault("`" header "` belongs in another file")
  } else if (quoted) {
    fault("`" header "` is a library that has no home yet")
  }
}

END { exit faults > 0 }
