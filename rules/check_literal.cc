#include "rules/check_literal.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/domain_name.h"
#include "rules/ip_address.h"
#include "rules/mail_address.h"
#include "rules/pattern_set.h"

namespace gate::rules {
namespace {

using Kind = ast::Literal::Kind;

constexpr std::array<std::string_view, 10> kKindNames = {
    "a text",  "a word",     "a number",  "a size",    "a duration",
    "a share", "an address", "a network", "a mailbox", "a pattern"};

bool Fits(FactType type, Kind kind, LiteralPlace place) {
  const bool braces = place == LiteralPlace::kInBraces;
  // In braces also words that are spelled like numbers: { 1001 1002 }.
  const bool text = kind == Kind::kString ||
                    (braces && (kind == Kind::kWord || kind == Kind::kNumber));
  switch (type) {
    case FactType::kText:
    case FactType::kDomain:
      return text;
    case FactType::kMailbox:
      return text || kind == Kind::kMailbox;
    case FactType::kAddress:
      return kind == Kind::kAddress || (braces && kind == Kind::kNetwork);
    case FactType::kNetwork:
      return kind == Kind::kAddress || kind == Kind::kNetwork;
    case FactType::kNumber:
      return kind == Kind::kNumber;
    case FactType::kSize:
      return kind == Kind::kNumber || kind == Kind::kSize;
    case FactType::kDuration:
      return kind == Kind::kDuration;
    case FactType::kFlag:
      return false;
  }
  return false;
}

std::string_view Example(FactType type) {
  switch (type) {
    case FactType::kText:
    case FactType::kDomain:
      return "a text in quotes";
    case FactType::kMailbox:
      return "a mailbox such as `<a@example.org>` or `<>`";
    case FactType::kAddress:
      return "an address such as `192.0.2.1` or `2001:db8::1`";
    case FactType::kNetwork:
      return "a network such as `192.0.2.0/24` or `2001:db8::/64`";
    case FactType::kNumber:
      return "a number";
    case FactType::kSize:
      return "a size such as `10M`";
    case FactType::kDuration:
      return "a duration such as `5min`";
    case FactType::kFlag:
      break;
  }
  return "";
}

// What the administrator probably meant.
std::string Repair(const CheckContext& context, const ast::FactRef& fact,
                   const ast::Literal& literal) {
  const FactType type = Info(*fact.resolved).type;
  const std::string written(context.sources.Text(literal.range));
  if (type == FactType::kAddress && literal.kind == Kind::kNetwork) {
    return absl::StrFormat("`%s in %s`", FactText(fact), written);
  }
  const bool address = type == FactType::kAddress || type == FactType::kNetwork;
  if (address && IpPrefix::Parse(literal.text)) {
    return absl::StrFormat("addresses stand without quotes: `%s`",
                           literal.text);
  }
  if (type == FactType::kText || type == FactType::kDomain) {
    if (literal.kind != Kind::kMailbox) {
      return absl::StrFormat("write it as a text: `\"%s\"`", written);
    }
  }
  return absl::StrFormat("%s takes %s", Quoted(FactText(fact)), Example(type));
}

// HELO names and PTR records may hold underscores, and HELO may be an address
// literal: a rule must be able to name them.
bool CanBeDomainValue(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') return true;
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '_', 'x');
  return IsDomain(plain);
}

void CheckDomain(CheckContext& context, const ast::FactRef& fact,
                 const ast::Literal& literal, LiteralPlace place) {
  std::string_view name = literal.text;
  const bool below = !name.empty() && name.front() == '.';
  if (below && place == LiteralPlace::kInBraces) name.remove_prefix(1);
  if (CanBeDomainValue(name)) return;
  Diagnostic& fault = context.diagnostics.Error(
      DiagnosticId::kBadDomain, literal.range,
      literal.text.empty()
          ? std::string("a domain is not empty")
          : absl::StrFormat("`%s` is no domain", literal.text));
  if (below && CanBeDomainValue(name.substr(1))) {
    fault.help = absl::StrFormat("`%s in { %s }` holds the name and all below",
                                 FactText(fact), name);
  } else if (name.find_first_of("*?") != std::string_view::npos) {
    fault.help = absl::StrFormat("`%s matches \"%s\"`", FactText(fact), name);
  } else if (name.empty()) {
    fault.help =
        absl::StrFormat("`not %s` holds when it is absent", FactText(fact));
  }
}

void CheckMailbox(CheckContext& context, const ast::Literal& literal) {
  if (literal.text.empty()) {
    if (literal.kind == Kind::kMailbox) return;
    context.diagnostics
        .Error(DiagnosticId::kBadMailbox, literal.range,
               "a mailbox is not empty")
        .help = "the null sender is `<>`";
    return;
  }
  MailAddress address;
  ParseMailAddress(literal.text, address);
  if (address.valid && !address.domain.empty()) return;
  Diagnostic& fault = context.diagnostics.Error(
      DiagnosticId::kBadMailbox, literal.range,
      absl::StrFormat("`%s` is no mail address", literal.text));
  if (address.valid) {
    fault.help =
        "write its domain, too: an address without one has the "
        "MTA's own name";
  }
}

void CheckRange(CheckContext& context, const ast::FactRef& fact,
                const ast::Literal& literal, int64_t most) {
  if (literal.number <= most) return;
  context.diagnostics.Error(
      DiagnosticId::kImpossibleValue, literal.range,
      absl::StrFormat("%s is never %s: it goes from 0 to %d",
                      Quoted(FactText(fact)),
                      context.sources.Text(literal.range), most));
}

void CheckOneOf(CheckContext& context, const ast::FactRef& fact,
                const ast::Literal& literal,
                std::span<const std::string_view> values) {
  if (std::find(values.begin(), values.end(), literal.text) != values.end()) {
    return;
  }
  Diagnostic& fault = context.diagnostics.Error(
      DiagnosticId::kImpossibleValue, literal.range,
      absl::StrFormat("%s is never `%s`", Quoted(FactText(fact)),
                      literal.text));
  for (const std::string_view value : values) {
    fault.help += (fault.help.empty() ? "it is " : ", ") + Quoted(value);
  }
}

// A warning: `--set` may replace the sockets of the file.
void CheckListener(CheckContext& context, const ast::Literal& literal) {
  const std::vector<std::string_view>& known = context.listeners;
  if (context.sockets.empty() ||
      std::find(known.begin(), known.end(), literal.text) != known.end()) {
    return;
  }
  Diagnostic& fault = context.diagnostics.Warning(
      DiagnosticId::kUnknownListener, literal.range,
      absl::StrFormat("no socket is called %s", Quoted(literal.text)));
  const std::string_view nearest = NearestName(literal.text, known);
  fault.help = nearest.empty()
                   ? absl::StrFormat("`set socket \"...\" as %s` names one",
                                     literal.text)
                   : absl::StrFormat("did you mean %s?", Quoted(nearest));
}

// Facts that have few values.
void CheckValue(CheckContext& context, const ast::FactRef& fact,
                const ast::Literal& literal) {
  static constexpr std::string_view kDays[] = {"Mon", "Tue", "Wed", "Thu",
                                               "Fri", "Sat", "Sun"};
  static constexpr std::string_view kResolved[] = {"OK", "FAIL", "FORGED",
                                                   "TEMP"};
  switch (*fact.resolved) {
    case FactId::kTimeHour:
      return CheckRange(context, fact, literal, 23);
    case FactId::kClientPort:
    case FactId::kServerPort:
      return CheckRange(context, fact, literal, 65535);
    case FactId::kTimeWeekday:
      return CheckOneOf(context, fact, literal, kDays);
    case FactId::kListener:
      return CheckListener(context, literal);
    case FactId::kClientResolve:
      return CheckOneOf(context, fact, literal, kResolved);
    default:
      return;
  }
}

// The part of the pattern literal that the fault is about.
SourceRange FaultRange(const CheckContext& context, const ast::Literal& literal,
                       const PatternSet::Fault& fault) {
  const std::string_view written = context.sources.Text(literal.range);
  const bool plain = written.substr(0, 1) == "/" &&
                     written.substr(1, literal.text.size()) == literal.text;
  if (!plain || fault.length == 0) return literal.range;
  const auto begin =
      literal.range.begin + 1 + static_cast<uint32_t>(fault.offset);
  return {literal.range.file, begin,
          begin + static_cast<uint32_t>(fault.length)};
}

}  // namespace

void CheckLiteral(CheckContext& context, const ast::FactRef& fact,
                  const ast::Literal& literal, LiteralPlace place) {
  const FactType type = Info(*fact.resolved).type;
  if (!Fits(type, literal.kind, place)) {
    context.diagnostics
        .Error(DiagnosticId::kWrongLiteral, literal.range,
               absl::StrFormat("%s is %s, this is %s", Quoted(FactText(fact)),
                               TypeWithArticle(type),
                               LiteralKindName(literal.kind)))
        .help = Repair(context, fact, literal);
    return;
  }
  if (type == FactType::kDomain) CheckDomain(context, fact, literal, place);
  if (type == FactType::kMailbox) CheckMailbox(context, literal);
  CheckValue(context, fact, literal);
}

void CheckPattern(CheckContext& context, const ast::Literal& pattern) {
  const auto fault = PatternSet::Check(pattern.text, pattern.flags);
  if (!fault) return;
  Diagnostic& report = context.diagnostics.Error(
      DiagnosticId::kBadPattern, FaultRange(context, pattern, *fault),
      fault->text);
  // Perl's look-around, which RE2 leaves out so that matching stays linear.
  if (pattern.text.find("(?=") != std::string::npos ||
      pattern.text.find("(?!") != std::string::npos ||
      pattern.text.find("(?<") != std::string::npos) {
    report.help =
        "patterns have no look-ahead and look-behind: say it with "
        "`and` and `!~`";
  }
}

void CheckGlob(CheckContext& context, const ast::Literal& glob) {
  std::string why;
  if (glob.text.empty()) {
    why = "an empty glob matches nothing";
  } else if (const auto fault = PatternSet::Check(GlobToRegex(glob.text), {})) {
    why = absl::StrFormat("this is no glob: %s", fault->text);
  } else {
    return;
  }
  context.diagnostics.Error(DiagnosticId::kBadGlob, glob.range, std::move(why))
      .help =
      "`*` stands for anything, `?` for one character, `[a-z]` for one of a "
      "set, `\\` quotes";
}

std::string_view LiteralKindName(ast::Literal::Kind kind) {
  return kKindNames[static_cast<size_t>(kind)];
}

std::string TypeWithArticle(FactType type) {
  return absl::StrFormat("%s %s", type == FactType::kAddress ? "an" : "a",
                         FactTypeName(type));
}

std::string FactText(const ast::FactRef& fact) {
  if (!fact.index) return fact.name.text;
  return absl::StrFormat("%s[\"%s\"]", fact.name.text, fact.index->text);
}

}  // namespace gate::rules
