#include "rules/settings.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <variant>

#include "rules/check_web.h"
#include "rules/file_reader.h"

namespace gate::rules {
namespace {

SocketSetting CompileSocket(const ast::Set& set) {
  SocketSetting socket;
  socket.address = set.values[0].text;
  for (size_t i = 0; i + 1 < set.options.size(); i += 2) {
    const std::string& value = set.options[i + 1].text;
    if (set.options[i].text == "group") {
      socket.group = value;
    } else if (set.options[i].text == "as") {
      socket.name = value;
    } else {  // mode 660: octal, as chmod takes it
      uint32_t mode = 0;
      std::from_chars(value.data(), value.data() + value.size(), mode, 8);
      socket.mode = mode;
    }
  }
  return socket;
}

std::optional<RedisSetting> CompileStore(const ast::Set& set) {
  if (set.values[0].text != "redis") return std::nullopt;
  RedisSetting redis;
  ParseRedisAddress(set.values[1].text, redis.address);
  for (size_t i = 0; i + 1 < set.options.size(); i += 2) {
    const std::string_view name = set.options[i].text;
    const ast::Literal& value = set.options[i + 1];
    if (name == "user") redis.user = value.text;
    if (name == "password-file") redis.password_file = value.text;
    if (name == "database") {
      redis.database = static_cast<uint32_t>(value.number);
    }
  }
  return redis;
}

Outage OutageOf(std::string_view word) {
  if (word == "accept") return Outage::kAccept;
  return word == "defer" ? Outage::kDefer : Outage::kLocal;
}

JournalSetting CompileJournal(const ast::Set& set) {
  JournalSetting journal;
  journal.folder = set.values[0].text;
  for (size_t i = 0; i + 1 < set.options.size(); i += 2) {
    const int64_t value = set.options[i + 1].number;
    if (set.options[i].text == "keep") journal.keep_us = value;
    if (set.options[i].text == "max") {
      journal.max_bytes = static_cast<uint64_t>(value);
    }
  }
  return journal;
}

// What only the native door has; false: the key is another.
bool ApplyDoor(const ast::Set& set, Settings& settings) {
  const std::string_view key = set.key.text;
  const ast::Literal& value = set.values[0];
  if (key == "door") {
    settings.door = value.text == "native" ? Door::kNative : Door::kLibmilter;
  } else if (key == "loops") {  // auto: 0
    settings.loops = static_cast<uint32_t>(value.number);
  } else if (key == "max-connections") {
    settings.max_connections = static_cast<uint32_t>(value.number);
  } else if (key == "drain") {
    settings.drain_us = value.number;
  } else {
    return false;
  }
  return true;
}

// What is shown and kept of decisions.
void ApplyRecords(const ast::Set& set, const Sources& sources,
                  Settings& settings) {
  const std::string_view key = set.key.text;
  const ast::Literal& value = set.values[0];
  const bool on = value.text == "on";
  if (key == "metrics") {
    settings.metrics.emplace().address = MetricsAddress(set);
  } else if (key == "web-password") {
    settings.web_password_file =
        PathBeside(sources.file(set.range.file).name(), set.values[1].text);
  } else if (key == "state") {
    settings.state = value.text;
  } else if (key == "journal") {
    settings.journal = CompileJournal(set);
  } else if (key == "journal-sample") {
    settings.journal_sample_ppm = static_cast<uint32_t>(value.number);
  } else if (key == "journal-privacy") {
    settings.journal_privacy = on;
  } else if (key == "reference") {
    settings.reference = on;
  } else if (key == "contact") {
    settings.contact = value.text;
  } else if (key == "log-format") {
    settings.log_format =
        value.text == "json" ? LogFormat::kJson : LogFormat::kText;
  } else if (key == "node") {
    settings.node = static_cast<uint32_t>(value.number);
  }
}

void Apply(const ast::Set& set, const Sources& sources, const Symbols& symbols,
           Settings& settings) {
  const std::string_view key = set.key.text;
  const ast::Literal& value = set.values[0];
  if (key == "socket") {
    settings.sockets.push_back(CompileSocket(set));
  } else if (key == "control") {
    settings.control = CompileSocket(set);
  } else if (key == "store") {
    settings.redis = CompileStore(set);
  } else if (key == "redis-deadline") {
    settings.redis_deadline_us = value.number;
  } else if (key == "outage") {
    settings.outage = OutageOf(value.text);
  } else if (key == "failure") {
    settings.failure =
        value.text == "accept" ? Action::kAccept : Action::kDefer;
  } else if (key == "mode") {
    settings.shadow = value.text == "shadow";
  } else if (key == "protect") {
    settings.protect =
        ListId{static_cast<uint32_t>(symbols.FindList(value.text))};
  } else if (key == "user") {
    settings.user = value.text;
  } else if (key == "log") {
    settings.log = value.text;
  } else if (key == "body-limit") {
    settings.body_limit = static_cast<uint64_t>(value.number);
  } else if (!ApplyDoor(set, settings)) {
    ApplyRecords(set, sources, settings);
  }
}

}  // namespace

Settings CompileSettings(const Sources& sources, const ast::Tree& tree,
                         const Symbols& symbols) {
  Settings settings;
  for (const ast::Statement& statement : tree.statements) {
    if (const auto* set = std::get_if<ast::Set>(&statement))
      Apply(*set, sources, symbols, settings);
  }
  return settings;
}

}  // namespace gate::rules
