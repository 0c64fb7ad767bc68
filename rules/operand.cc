#include "rules/operand.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "rules/ascii.h"
#include "rules/domain_name.h"
#include "rules/glob.h"
#include "rules/mail_address.h"

namespace gate::rules {
namespace {

std::string Folded(std::string text) {
  FoldAscii(text);
  return text;
}

std::string NormalText(const FactInfo& fact, const std::string& text) {
  if (fact.type == FactType::kMailbox) {
    MailAddress address;
    ParseMailAddress(text, address);
    return address.text;
  }
  if (fact.type == FactType::kDomain) return NormalizeDomain(text);
  return IsFolded(fact) ? Folded(text) : text;
}

Operand NumberSet(std::span<const ast::Literal> literals) {
  std::vector<int64_t> numbers;
  for (const ast::Literal& literal : literals)
    numbers.push_back(literal.number);
  std::sort(numbers.begin(), numbers.end());
  std::string key = absl::StrJoin(numbers, " ");
  LiteralSet set;
  set.numbers = std::move(numbers);
  return {.key = std::move(key), .value = std::move(set)};
}

Operand NetworkSetOf(std::span<const ast::Literal> literals) {
  std::vector<IpPrefix> prefixes;
  std::vector<std::string> texts;
  for (const ast::Literal& literal : literals) {
    prefixes.push_back(literal.prefix);
    texts.push_back(literal.prefix.ToString());
  }
  std::sort(texts.begin(), texts.end());
  LiteralSet set;
  set.networks = NetworkSet(prefixes);
  return {.key = absl::StrJoin(texts, " "), .value = std::move(set)};
}

Operand TextSet(const FactInfo& fact, std::span<const ast::Literal> literals) {
  std::vector<std::string> texts;
  for (const ast::Literal& literal : literals)
    texts.push_back(NormalText(fact, literal.text));
  std::sort(texts.begin(), texts.end());
  LiteralSet set;
  if (fact.type == FactType::kDomain) {
    set.domains = DomainSet(texts);
  } else {
    set.strings = StringSet(texts);
  }
  // Sizes before the texts: no text can pretend to be two.
  std::string key;
  for (const std::string& text : texts)
    absl::StrAppendFormat(&key, "%u:%s", text.size(), text);
  return {.key = std::move(key), .value = std::move(set)};
}

Operand PatternOf(std::string pattern, std::string flags, SourceRange range) {
  std::string key = absl::StrFormat("%s/%s", flags, pattern);
  return {.key = std::move(key),
          .value = PatternOperand{.pattern = std::move(pattern),
                                  .flags = std::move(flags),
                                  .range = range}};
}

}  // namespace

Operand LiteralOperand(const FactInfo& fact, const ast::Literal& literal) {
  switch (fact.type) {
    case FactType::kText:
    case FactType::kDomain:
    case FactType::kMailbox: {
      std::string text = NormalText(fact, literal.text);
      return {.key = text, .value = text};
    }
    case FactType::kAddress:
    case FactType::kNetwork:
      return {.key = literal.prefix.ToString(), .value = literal.prefix};
    case FactType::kNumber:
    case FactType::kSize:
    case FactType::kDuration:
      return {.key = absl::StrFormat("%d", literal.number),
              .value = literal.number};
    case FactType::kFlag:
      break;
  }
  return {};
}

Operand ListOperand(ListId list) {
  return {.key = absl::StrFormat("%u", list.value), .value = list};
}

Operand SetOperand(const FactInfo& fact,
                   std::span<const ast::Literal> literals) {
  switch (fact.type) {
    case FactType::kText:
    case FactType::kDomain:
    case FactType::kMailbox:
      return TextSet(fact, literals);
    case FactType::kAddress:
    case FactType::kNetwork:
      return NetworkSetOf(literals);
    default:
      return NumberSet(literals);
  }
}

Operand RegexOperand(const FactInfo& fact, const ast::Literal& literal) {
  std::string flags = literal.flags;
  if (IsFolded(fact)) flags += 'i';
  return PatternOf(literal.text, std::move(flags), literal.range);
}

Operand GlobOperand(const FactInfo& fact, const ast::Literal& literal) {
  const std::string glob = IsFolded(fact) ? Folded(literal.text) : literal.text;
  return PatternOf(GlobToRegex(glob), "", literal.range);
}

}  // namespace gate::rules
