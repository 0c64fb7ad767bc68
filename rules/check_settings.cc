#include "rules/check_settings.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/ascii.h"
#include "rules/check_journal.h"
#include "rules/check_limits.h"
#include "rules/check_lists.h"
#include "rules/check_names.h"
#include "rules/check_socket.h"
#include "rules/check_store.h"
#include "rules/check_web.h"
#include "rules/domain_name.h"
#include "rules/mail_address.h"

namespace gate::rules {
namespace {

using Kind = ast::Literal::Kind;

constexpr int64_t kMaxBodyLimit = int64_t{10} << 20;
constexpr int64_t kMaxConnections = 1'000'000;
constexpr int64_t kMaxDrainUs = int64_t{3600} * 1'000'000;
constexpr int64_t kMaxLoops = 256;
constexpr size_t kMaxUserName = 32;
constexpr int64_t kMaxNode = 15;
constexpr size_t kMaxContact = 200;  // half a line of a reply

constexpr std::string_view kFailures[] = {"defer", "accept"};
constexpr std::string_view kDoors[] = {"native", "libmilter"};
constexpr std::string_view kModes[] = {"shadow"};
constexpr std::string_view kLogLevels[] = {"debug", "info", "warning", "error"};
constexpr std::string_view kLogFormats[] = {"text", "json"};
constexpr std::string_view kSwitch[] = {"on", "off"};

void CheckWord(CheckContext& context, const ast::Set& set,
               std::span<const std::string_view> words) {
  const ast::Literal& value = set.values[0];
  if (std::find(words.begin(), words.end(), value.text) != words.end()) return;
  std::string choices;
  for (const std::string_view word : words) {
    choices += (choices.empty() ? "" : ", ") + Quoted(word);
  }
  Diagnostic& fault = context.diagnostics.Error(
      DiagnosticId::kBadSetting, value.range,
      absl::StrFormat("`%s` cannot be %s", set.key.text,
                      context.sources.Text(value.range)));
  const std::string_view nearest = NearestName(value.text, words);
  fault.help = nearest.empty()
                   ? absl::StrFormat("it can be %s", choices)
                   : absl::StrFormat("did you mean %s?", Quoted(nearest));
}

void CheckOutage(CheckContext& context, const ast::Set& set) {
  CheckWord(context, set, OutageNames());
}

void CheckFailure(CheckContext& context, const ast::Set& set) {
  CheckWord(context, set, kFailures);
}

void CheckDoor(CheckContext& context, const ast::Set& set) {
  CheckWord(context, set, kDoors);
}

void CheckMode(CheckContext& context, const ast::Set& set) {
  CheckWord(context, set, kModes);
}

void CheckLog(CheckContext& context, const ast::Set& set) {
  CheckWord(context, set, kLogLevels);
}

void CheckLogFormat(CheckContext& context, const ast::Set& set) {
  CheckWord(context, set, kLogFormats);
}

void CheckSwitch(CheckContext& context, const ast::Set& set) {
  CheckWord(context, set, kSwitch);
}

void CheckProtect(CheckContext& context, const ast::Set& set) {
  const ast::Literal& value = set.values[0];
  const int list = ResolveList(context, {value.text, value.range});
  if (list < 0) return;
  const ast::List& node = *context.symbols.lists[static_cast<size_t>(list)];
  const auto type = FindListType(node.type.text);
  if (!type || *type == ListType::kNetworks) return;
  context.diagnostics
      .Error(DiagnosticId::kWrongListType, value.range,
             absl::StrFormat("`protect` takes a list of networks, %s is one "
                             "of %s",
                             Quoted(value.text), node.type.text))
      .notes.push_back({node.name.range, "the list is here"});
}

void CheckUser(CheckContext& context, const ast::Set& set) {
  const ast::Literal& value = set.values[0];
  const bool plain =
      !value.text.empty() && value.text.size() <= kMaxUserName &&
      std::all_of(value.text.begin(), value.text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
      });
  if (plain) return;
  context.diagnostics.Error(DiagnosticId::kBadSetting, value.range,
                            absl::StrFormat("%s is no user's name",
                                            context.sources.Text(value.range)));
}

bool IsBetween(const ast::Literal& value, Kind kind, int64_t least,
               int64_t most) {
  return value.kind == kind && value.number >= least && value.number <= most;
}

void ReportValue(CheckContext& context, const ast::Set& set,
                 std::string_view help) {
  const SourceRange& range = set.values[0].range;
  context.diagnostics
      .Error(DiagnosticId::kBadSetting, range,
             absl::StrFormat("`%s` cannot be %s", set.key.text,
                             context.sources.Text(range)))
      .help = help;
}

void CheckBodyLimit(CheckContext& context, const ast::Set& set) {
  const ast::Literal& value = set.values[0];
  if (IsBetween(value, Kind::kSize, 1, kMaxBodyLimit) ||
      IsBetween(value, Kind::kNumber, 1, kMaxBodyLimit)) {
    return;
  }
  ReportValue(context, set, "it is a size from 1 to 10M bytes, such as `64K`");
}

void CheckLoops(CheckContext& context, const ast::Set& set) {
  const ast::Literal& value = set.values[0];
  const bool automatic = value.kind == Kind::kWord && value.text == "auto";
  if (automatic || IsBetween(value, Kind::kNumber, 1, kMaxLoops)) return;
  ReportValue(context, set, "it is `auto`, or a number from 1 to 256");
}

void CheckMaxConnections(CheckContext& context, const ast::Set& set) {
  if (IsBetween(set.values[0], Kind::kNumber, 1, kMaxConnections)) return;
  ReportValue(context, set, "it is a number from 1 to 1000000");
}

void CheckDrain(CheckContext& context, const ast::Set& set) {
  if (IsBetween(set.values[0], Kind::kDuration, 0, kMaxDrainUs)) return;
  ReportValue(context, set, "it is a duration from 0s to 1h, such as `30s`");
}

void CheckNode(CheckContext& context, const ast::Set& set) {
  if (IsBetween(set.values[0], Kind::kNumber, 0, kMaxNode)) return;
  ReportValue(context, set,
              "it is a number from 0 to 15, another one on each machine");
}

// user@example.org; what stands in a reply is printable ASCII.
bool IsMailbox(std::string_view text) {
  MailAddress address;
  ParseMailAddress(text, address);
  return address.valid && !address.source_route && !text.starts_with('<') &&
         !address.local.empty() && IsDomain(address.domain);
}

void CheckContact(CheckContext& context, const ast::Set& set) {
  const ast::Literal& value = set.values[0];
  constexpr std::string_view kScheme = "https://";
  const std::string_view text = value.text;
  const bool plain = value.kind == Kind::kString &&
                     text.size() <= kMaxContact &&
                     std::all_of(text.begin(), text.end(),
                                 [](char c) { return c > ' ' && c < 0x7f; });
  const bool url = text.starts_with(kScheme) && text.size() > kScheme.size() &&
                   IsAsciiAlnum(text[kScheme.size()]);
  if (plain && (url || IsMailbox(text))) return;
  ReportValue(context, set,
              "it is a mailbox or an https address of at most 200 bytes, such "
              "as `\"postmaster@example.org\"`");
}

struct Setting {
  std::string_view key;
  void (*check)(CheckContext&, const ast::Set&);
  bool has_options = false;
  size_t max_values = 1;
  bool may_repeat = false;
};

constexpr Setting kSettings[] = {
    {"socket", CheckSocket, true, 1, /*may_repeat=*/true},
    {"control", CheckControl, true},
    {"store", CheckStore, true, 2},
    {"redis-deadline", CheckRedisDeadline},
    {"outage", CheckOutage},
    {"failure", CheckFailure},
    {"mode", CheckMode},
    {"protect", CheckProtect},
    {"user", CheckUser},
    {"log", CheckLog},
    {"body-limit", CheckBodyLimit},
    {"door", CheckDoor},
    {"loops", CheckLoops},
    {"max-connections", CheckMaxConnections},
    {"drain", CheckDrain},
    {"metrics", CheckMetrics},
    {"web-password", CheckWebPassword, false, 2},
    {"state", CheckState},
    {"journal", CheckJournal, true},
    {"journal-sample", CheckJournalSample},
    {"journal-privacy", CheckSwitch},
    {"reference", CheckSwitch},
    {"contact", CheckContact},
    {"log-format", CheckLogFormat},
    {"node", CheckNode},
};

const Setting* FindSetting(std::string_view key) {
  const auto* found =
      std::find_if(std::begin(kSettings), std::end(kSettings),
                   [&](const Setting& setting) { return setting.key == key; });
  return found == std::end(kSettings) ? nullptr : found;
}

void ReportUnknownSetting(CheckContext& context, const ast::Set& set) {
  Diagnostic& fault = ReportUnknown(context, DiagnosticId::kUnknownSetting,
                                    "setting", set.key, SettingKeys());
  if (fault.help.empty()) fault.help = "gatemilter.rules(5) lists them";
}

// Not more values than it takes; options only where it has some.
bool CheckShape(CheckContext& context, const Setting& setting,
                const ast::Set& set) {
  const ast::Literal* surplus = nullptr;
  if (set.values.size() > setting.max_values) {
    surplus = &set.values[setting.max_values];
  } else if (!set.options.empty() && !setting.has_options) {
    surplus = &set.options[0];
  }
  if (!surplus) return !set.values.empty();
  context.diagnostics.Error(
      DiagnosticId::kBadSetting, surplus->range,
      absl::StrFormat("`%s` takes %s", set.key.text,
                      setting.max_values == 1 ? "one value" : "less"));
  return false;
}

}  // namespace

std::vector<std::string_view> SettingKeys() {
  std::vector<std::string_view> keys;
  for (const Setting& setting : kSettings) keys.push_back(setting.key);
  return keys;
}

void CheckSettings(CheckContext& context, const ast::Tree& tree) {
  std::map<std::string_view, const ast::Set*> seen;
  for (const ast::Statement& statement : tree.statements) {
    const auto* set = std::get_if<ast::Set>(&statement);
    if (!set) continue;
    const Setting* setting = FindSetting(set->key.text);
    if (!setting) {
      ReportUnknownSetting(context, *set);
      continue;
    }
    const auto [first, added] = seen.try_emplace(setting->key, set);
    if (!added && !setting->may_repeat) {
      context.diagnostics
          .Error(DiagnosticId::kDuplicateSetting, set->key.range,
                 absl::StrFormat("`%s` is set already", set->key.text))
          .notes.push_back({first->second->range, "the first is here"});
      continue;
    }
    if (CheckShape(context, *setting, *set)) setting->check(context, *set);
  }
  CheckSockets(context, tree);
  CheckWeb(context, tree);
  CheckFolders(context, tree);
}

}  // namespace gate::rules
