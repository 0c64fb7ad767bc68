#include "rules/check_store.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/redis_address.h"

namespace gate::rules {
namespace {

using Kind = ast::Literal::Kind;

constexpr std::string_view kAddressHelp =
    "such as `set store redis \"127.0.0.1:6379\"` or `set store redis "
    "\"unix:/run/redis/redis-server.sock\"`";
constexpr std::string_view kOptionHelp =
    "`user \"NAME\"`, `password-file \"/path\"` and `database 1` may follow "
    "the address";
constexpr int64_t kMaxDatabase = 65535;
constexpr int64_t kMinDeadlineUs = 1'000;
constexpr int64_t kMaxDeadlineUs = 10'000'000;

void Report(CheckContext& context, SourceRange range, std::string text,
            std::string_view help) {
  context.diagnostics.Error(DiagnosticId::kBadSetting, range, std::move(text))
      .help = help;
}

bool IsText(const ast::Literal& value) {
  return (value.kind == Kind::kString || value.kind == Kind::kWord) &&
         !value.text.empty();
}

// What is wrong with the option's value; empty: nothing.
std::string OptionFault(const CheckContext& context, std::string_view name,
                        const ast::Literal& value) {
  const std::string_view written = context.sources.Text(value.range);
  if (name == "database") {
    const bool fits = value.kind == Kind::kNumber && value.number >= 0 &&
                      value.number <= kMaxDatabase;
    return fits ? "" : absl::StrFormat("%s is no database", written);
  }
  if (!IsText(value)) return absl::StrFormat("%s is no text", written);
  const bool path = name == "password-file";
  return path && !value.text.starts_with('/')
             ? "the path of the password file begins with `/`"
             : "";
}

void CheckOptions(CheckContext& context, const ast::Set& set) {
  static constexpr std::string_view kNames[] = {"user", "password-file",
                                                "database"};
  std::vector<std::string_view> seen;
  for (size_t i = 0; i < set.options.size(); i += 2) {
    const ast::Literal& name = set.options[i];
    const bool known =
        std::ranges::find(kNames, name.text) != std::end(kNames) &&
        std::ranges::find(seen, name.text) == seen.end();
    if (!known || i + 1 == set.options.size()) {
      return Report(context, name.range,
                    absl::StrFormat("redis does not take %s here",
                                    Quoted(context.sources.Text(name.range))),
                    kOptionHelp);
    }
    seen.push_back(name.text);
    const ast::Literal& value = set.options[i + 1];
    std::string fault = OptionFault(context, name.text, value);
    if (!fault.empty()) {
      return Report(context, value.range, std::move(fault), kOptionHelp);
    }
  }
  const bool user = std::ranges::find(seen, "user") != seen.end();
  const bool password = std::ranges::find(seen, "password-file") != seen.end();
  if (user && !password) {
    Report(context, set.range, "a user of Redis needs a `password-file`",
           kOptionHelp);
  }
}

}  // namespace

void CheckStore(CheckContext& context, const ast::Set& set) {
  const ast::Literal& kind = set.values[0];
  const bool redis = kind.kind == Kind::kWord && kind.text == "redis";
  const bool memory = kind.kind == Kind::kWord && kind.text == "memory";
  if (!redis && !memory) {
    return Report(context, kind.range,
                  absl::StrFormat("`store` cannot be %s",
                                  context.sources.Text(kind.range)),
                  "it can be `memory` or `redis` and an address");
  }
  if (set.values.size() == 1) {
    if (redis) {
      Report(context, kind.range, "`redis` needs an address", kAddressHelp);
    } else if (!set.options.empty()) {
      Report(context, set.options[0].range, "`memory` takes nothing more", "");
    }
    return;
  }
  const ast::Literal& address = set.values[1];
  RedisAddress parsed;
  std::string fault;
  if (memory) {
    fault = "`memory` takes nothing more";
  } else if (address.kind != Kind::kString) {
    fault = "an address stands in quotes";
  } else {
    fault = ParseRedisAddress(address.text, parsed);
  }
  if (!fault.empty()) {
    return Report(context, address.range, std::move(fault), kAddressHelp);
  }
  CheckOptions(context, set);
}

void CheckRedisDeadline(CheckContext& context, const ast::Set& set) {
  const ast::Literal& value = set.values[0];
  if (value.kind == Kind::kDuration && value.number >= kMinDeadlineUs &&
      value.number <= kMaxDeadlineUs) {
    return;
  }
  Report(context, value.range,
         absl::StrFormat("`redis-deadline` cannot be %s",
                         context.sources.Text(value.range)),
         "it is a duration from 1ms to 10s, such as `50ms`");
}

}  // namespace gate::rules
