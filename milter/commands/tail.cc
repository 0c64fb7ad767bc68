#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "absl/strings/str_format.h"
#include "milter/commands/commands.h"
#include "milter/commands/output.h"
#include "milter/control.h"
#include "milter/log_quote.h"
#include "milter/policy_sockets.h"
#include "rules/ip_address.h"

namespace gate::milter::commands {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds kPause{250};

// A member of `json` as text; empty when there is none.
std::string Text(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) return {};
  return found->get<std::string>();
}

bool IsSet(const Json& json, const char* name) {
  return json.value(name, false);
}

class Filter {
 public:
  explicit Filter(const TailOptions& options) : options_(options) {
    if (!options.client.empty()) {
      client_ = rules::IpPrefix::Parse(options.client);
    }
  }
  bool valid() const { return options_.client.empty() || client_.has_value(); }

  bool Passes(const Json& decision) const {
    if (options_.rejected && !Rejects(decision)) return false;
    if (!options_.rule.empty() && !IsOfRule(decision)) return false;
    if (!client_) return true;
    const auto address =
        rules::IpAddress::Parse(Text(decision["facts"], "client.ip"));
    return address && client_->Contains(*address);
  }

 private:
  static bool Rejects(const Json& decision) {
    return Text(decision, "action") != "accept" && IsSet(decision, "given") &&
           !IsSet(decision, "repeat");
  }
  // As the one that decided, or that held.
  bool IsOfRule(const Json& decision) const {
    if (Text(decision, "rule") == options_.rule) return true;
    for (const Json& note : decision["notes"]) {
      if (Text(note, "rule") == options_.rule) return true;
    }
    return false;
  }

  const TailOptions& options_;
  std::optional<rules::IpPrefix> client_;
};

// " key=value", if there is one.
void AppendField(const char* key, const std::string& value, std::string& line) {
  if (value.empty()) return;
  line.append(" ").append(key).append("=");
  AppendLogQuoted(value, line);
}

void AppendVerdict(const Json& decision, std::string& line) {
  line += Text(decision, "stage") + ' ' + Text(decision, "action");
  if (decision.contains("code")) {
    absl::StrAppendFormat(&line, " %d %s", decision["code"].get<int>(),
                          Text(decision, "enhanced"));
  }
  AppendField("rule", Text(decision, "rule"), line);
  AppendField("ref", Text(decision, "reference"), line);
  for (const char* word : {"kept", "repeat"}) {
    if (IsSet(decision, word)) line.append(" ").append(word);
  }
  if (!IsSet(decision, "given")) line += " not given";
}

void AppendNotes(const Json& decision, std::string& line) {
  for (const Json& note : decision["notes"]) {
    line += IsSet(note, "shadow") ? " shadow:" : " also:";
    AppendLogQuoted(Text(note, "rule"), line);
  }
}

// One line; times are UTC.
void PrintLine(const Json& decision) {
  const Json& facts = decision["facts"];
  std::string line = Text(decision, "time").substr(0, 19) + "Z ";
  AppendVerdict(decision, line);
  AppendNotes(decision, line);
  AppendField("client", Text(facts, "client.ip"), line);
  AppendField("helo", Text(facts, "helo"), line);
  AppendField("user", Text(facts, "auth.user"), line);
  AppendField("sender", Text(facts, "sender"), line);
  AppendField("rcpt", Text(facts, "rcpt"), line);
  AppendField("text", Text(decision, "text"), line);
  std::puts(line.c_str());
}

void Print(const Json& page, const Filter& filter, bool json) {
  if (const auto missed = page.value("missed", uint64_t{0}); missed > 0) {
    absl::FPrintF(stderr, "gatemilter: %s came too fast to be shown\n",
                  Count(missed, "decision"));
  }
  for (const Json& decision : page["decisions"]) {
    if (!filter.Passes(decision)) continue;
    if (json) {
      std::puts(decision.dump().c_str());
    } else {
      PrintLine(decision);
    }
  }
  std::fflush(stdout);
}

// Asks again and again; says once that nobody answers.
class Tail {
 public:
  Tail(const TailOptions& options, std::string address)
      : options_(options), address_(std::move(address)), filter_(options) {}

  bool valid() const { return filter_.valid(); }

  // The latest `options.lines`.
  bool Begin() { return Fetch(std::max<size_t>(options_.lines, 1)); }
  // What came since.
  bool Follow() { return Fetch(0); }

 private:
  // False: nobody answers, or what answers is no gatemilter.
  bool Fetch(uint64_t newest) {
    const auto answer = AskTail(address_, after_, newest);
    if (!answer.ok()) {
      if (!std::exchange(away_, true)) PrintError(answer.status());
      return false;
    }
    away_ = false;
    const Json page = Json::parse(*answer, nullptr, /*allow_exceptions=*/false);
    if (!page.is_object() || !page.contains("decisions")) return false;
    after_ = page.value("next", after_);
    // To know where those that follow begin, one has to be asked for.
    const bool unwanted = newest > 0 && options_.lines == 0;
    if (!unwanted) Print(page, filter_, options_.control.json);
    return std::ferror(stdout) == 0;
  }

  const TailOptions& options_;
  const std::string address_;
  const Filter filter_;
  uint64_t after_ = 0;
  bool away_ = false;
};

}  // namespace

int RunTail(const TailOptions& options) {
  Tail tail(options, ControlAddress(options.control));
  if (!tail.valid()) {
    absl::FPrintF(stderr, "gatemilter: --client: %s is no address or network\n",
                  LogQuote(options.client));
    return kUsage;
  }
  if (!tail.Begin()) return kFindings;
  while (!options.once) {
    std::this_thread::sleep_for(kPause);
    tail.Follow();
    if (std::ferror(stdout) != 0) return kFindings;
  }
  return kOk;
}

}  // namespace gate::milter::commands
