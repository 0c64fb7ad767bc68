#include "tests/rules/naive_evaluator.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <regex>

#include "rules/facts.h"

namespace gate::rules {
namespace {

using ast::Compare;
using ast::Expr;
using ast::Literal;

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return text;
}

bool Regex(const std::string& text, const std::string& pattern, bool fold) {
  static std::map<std::pair<std::string, bool>, std::regex> compiled;
  auto it = compiled.find({pattern, fold});
  if (it == compiled.end()) {
    const auto flags = fold ? std::regex::ECMAScript | std::regex::icase
                            : std::regex::ECMAScript;
    it = compiled.emplace(std::pair(pattern, fold), std::regex(pattern, flags))
             .first;
  }
  return std::regex_search(text, it->second);
}

// `*` and `?` only.
bool Glob(std::string_view text, std::string_view glob) {
  if (glob.empty()) return text.empty();
  if (glob[0] == '*')
    return Glob(text, glob.substr(1)) ||
           (!text.empty() && Glob(text.substr(1), glob));
  return !text.empty() && (glob[0] == '?' || glob[0] == text[0]) &&
         Glob(text.substr(1), glob.substr(1));
}

// A network in a network, or the address that is its base in one.
bool InNetwork(const std::string& inner, const std::string& outer) {
  const int family = outer.find(':') == std::string::npos ? AF_INET : AF_INET6;
  const int bits = family == AF_INET ? 32 : 128;
  const auto parse = [&](const std::string& text, unsigned char* bytes) {
    const size_t slash = text.find('/');
    if (inet_pton(family, text.substr(0, slash).c_str(), bytes) != 1) return -1;
    return slash == std::string::npos ? bits
                                      : std::atoi(text.c_str() + slash + 1);
  };
  unsigned char a[16];
  unsigned char b[16];
  const int inner_length = parse(inner, a);
  const int length = parse(outer, b);
  if (inner_length < length) return false;  // -1: of the other family
  for (int bit = 0; bit < length; ++bit) {
    const int mask = 0x80 >> (bit % 8);
    if ((a[bit / 8] & mask) != (b[bit / 8] & mask)) return false;
  }
  return true;
}

bool InDomain(const std::string& name, const std::string& entry) {
  return name == entry || (entry.starts_with('.') &&
                           (name == entry.substr(1) || name.ends_with(entry)));
}

// One entry of a list or of braces against one value.
bool IsIn(const std::string& type, const std::string& value,
          const Literal& entry) {
  if (type == "domains") return InDomain(value, Lower(entry.text));
  if (type == "networks") return InNetwork(value, entry.text);
  if (type == "addresses") return value == Lower(entry.text);
  if (type == "patterns") return Regex(value, entry.text, !entry.flags.empty());
  return value == entry.text;
}

std::string ListTypeOf(FactType type) {
  switch (type) {
    case FactType::kDomain:
      return "domains";
    case FactType::kMailbox:
      return "addresses";
    case FactType::kAddress:
    case FactType::kNetwork:
      return "networks";
    default:
      return "strings";
  }
}

bool IsNumber(const Literal& literal) {
  return literal.kind == Literal::Kind::kNumber ||
         literal.kind == Literal::Kind::kSize ||
         literal.kind == Literal::Kind::kDuration;
}

bool Equals(const std::string& value, const Literal& literal, FactType type) {
  if (IsNumber(literal)) return std::atoll(value.c_str()) == literal.number;
  const std::string& text = literal.text;
  switch (type) {
    case FactType::kAddress:
    case FactType::kNetwork:
      return InNetwork(value, text) && InNetwork(text, value);
    case FactType::kDomain:
    case FactType::kMailbox:
      return value == Lower(text);
    default:
      return value == text;
  }
}

bool Compares(Compare compare, const std::string& value, const Literal& literal,
              FactType type) {
  const long long number = std::atoll(value.c_str());
  switch (compare) {
    case Compare::kLess:
      return number < literal.number;
    case Compare::kLessEqual:
      return number <= literal.number;
    case Compare::kGreater:
      return number > literal.number;
    case Compare::kGreaterEqual:
      return number >= literal.number;
    default:
      return Equals(value, literal, type);
  }
}

// The positive test of one value.
bool Holds(const Expr& expr, const std::string& value, FactType type,
           const PlainWorld& world) {
  const auto any = [](const auto& entries, auto test) {
    return std::any_of(entries.begin(), entries.end(), test);
  };
  switch (expr.kind) {
    case Expr::Kind::kCompare:
      return Compares(expr.compare, value, expr.literals[0], type);
    case Expr::Kind::kInSet:
      return any(expr.literals, [&](const Literal& literal) {
        return IsNumber(literal) ? Equals(value, literal, type)
                                 : IsIn(ListTypeOf(type), value, literal);
      });
    case Expr::Kind::kInList: {
      const ast::List& list = *world.lists.at(expr.list_name.text);
      return any(list.entries, [&](const Literal& entry) {
        return IsIn(list.type.text, value, entry);
      });
    }
    case Expr::Kind::kRegex:
      return Regex(value, expr.literals[0].text,
                   !expr.literals[0].flags.empty());
    case Expr::Kind::kGlob:
      return Glob(value, type == FactType::kText
                             ? expr.literals[0].text
                             : Lower(expr.literals[0].text));
    default:
      return true;  // presence
  }
}

Plain Test(const Expr& expr, const PlainWorld& world, bool negated) {
  const auto fact = world.facts.find(PlainName(expr.fact));
  const bool absent = fact == world.facts.end();
  if (!absent && fact->second.unknown) return Plain::kNo;
  const FactType type = Info(*FindFact(expr.fact.name.text)).type;
  bool truth = !absent && std::any_of(fact->second.values.begin(),
                                      fact->second.values.end(),
                                      [&](const std::string& value) {
                                        return Holds(expr, value, type, world);
                                      });
  if (expr.negated ||
      (expr.kind == Expr::Kind::kCompare && expr.compare == Compare::kNotEqual))
    truth = !truth;
  return truth != negated ? Plain::kYes : Plain::kNo;
}

Plain Negate(Plain truth, bool negated) {
  if (!negated || truth == Plain::kMaybe) return truth;
  return truth == Plain::kYes ? Plain::kNo : Plain::kYes;
}

}  // namespace

std::string PlainName(const ast::FactRef& fact) {
  if (!fact.index) return fact.name.text;
  return fact.name.text + "[\"" + Lower(fact.index->text) + "\"]";
}

Plain Evaluate(const Expr& expr, const PlainWorld& world, bool negated) {
  switch (expr.kind) {
    case Expr::Kind::kNot:
      return Evaluate(*expr.children[0], world, !negated);
    case Expr::Kind::kAnd:
    case Expr::Kind::kOr: {
      const bool all = (expr.kind == Expr::Kind::kAnd) != negated;
      Plain truth = all ? Plain::kYes : Plain::kNo;
      for (const ast::ExprPtr& child : expr.children) {
        const Plain part = Evaluate(*child, world, negated);
        truth = all ? std::min(truth, part) : std::max(truth, part);
      }
      return truth;
    }
    case Expr::Kind::kOver:
      return Negate(world.over.at(expr.list_name.text), negated);
    case Expr::Kind::kBanned:
      return Negate(world.banned.at(expr.fact.name.text), negated);
    default:
      break;
  }
  const auto let = world.lets.find(expr.fact.name.text);
  if (expr.kind == Expr::Kind::kName && let != world.lets.end())
    return Evaluate(*let->second, world, negated);
  return Test(expr, world, negated);
}

}  // namespace gate::rules
