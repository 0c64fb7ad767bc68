#include "tests/rules/same_tree.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace gate::rules {
namespace {

using namespace ast;  // NOLINT(google-build-using-namespace): nothing else here

template <class T>
bool Same(const std::vector<T>& a, const std::vector<T>& b);
template <class T>
bool Same(const std::optional<T>& a, const std::optional<T>& b);

bool Same(const Name& a, const Name& b) { return a.text == b.text; }

bool Same(const Literal& a, const Literal& b) {
  return std::tie(a.kind, a.text, a.flags, a.number, a.prefix) ==
         std::tie(b.kind, b.text, b.flags, b.number, b.prefix);
}

bool Same(const FactRef& a, const FactRef& b) {
  return Same(a.name, b.name) && Same(a.index, b.index);
}

bool Same(const ExprPtr& a, const ExprPtr& b) {
  if (a == nullptr || b == nullptr) return a == b;
  return std::tie(a->kind, a->negated, a->compare) ==
             std::tie(b->kind, b->negated, b->compare) &&
         Same(a->children, b->children) && Same(a->fact, b->fact) &&
         Same(a->literals, b->literals) && Same(a->list_name, b->list_name);
}

bool Same(const TextPiece& a, const TextPiece& b) {
  return a.text == b.text && Same(a.fact, b.fact);
}

bool Same(const Text& a, const Text& b) { return Same(a.pieces, b.pieces); }

bool Same(const Set& a, const Set& b) {
  return Same(a.key, b.key) && Same(a.values, b.values) &&
         Same(a.options, b.options);
}

bool Same(const Include& a, const Include& b) { return Same(a.path, b.path); }

bool Same(const Let& a, const Let& b) {
  return Same(a.name, b.name) && Same(a.condition, b.condition);
}

bool Same(const List& a, const List& b) {
  return Same(a.name, b.name) && Same(a.type, b.type) &&
         Same(a.entries, b.entries) && Same(a.from_file, b.from_file);
}

bool Same(const Window& a, const Window& b) {
  return std::tie(a.amount, a.is_size, a.period_us, a.burst) ==
         std::tie(b.amount, b.is_size, b.period_us, b.burst);
}

bool Same(const LimitKey& a, const LimitKey& b) {
  return Same(a.fact, b.fact) && a.prefix == b.prefix;
}

bool Same(const Limit& a, const Limit& b) {
  return Same(a.name, b.name) && Same(a.windows, b.windows) &&
         Same(a.keys, b.keys) && Same(a.unit, b.unit) && Same(a.when, b.when) &&
         Same(a.outage, b.outage);
}

bool Same(const Action& a, const Action& b) {
  return a.kind == b.kind && Same(a.scope, b.scope) && Same(a.code, b.code) &&
         Same(a.enhanced, b.enhanced) && Same(a.text, b.text) &&
         Same(a.header, b.header) && Same(a.ban_key, b.ban_key) &&
         a.ban_prefix == b.ban_prefix && Same(a.ban_time, b.ban_time);
}

bool Same(const Rule& a, const Rule& b) {
  return Same(a.label, b.label) && a.shadow == b.shadow &&
         Same(a.action, b.action) && Same(a.when, b.when);
}

bool Same(const Block& a, const Block& b) {
  return Same(a.stage, b.stage) && Same(a.rules, b.rules);
}

bool Same(const Expectation& a, const Expectation& b) {
  return a.kind == b.kind && Same(a.verdict, b.verdict) &&
         Same(a.code, b.code) && Same(a.by, b.by) && Same(a.header, b.header) &&
         Same(a.value, b.value) && a.negated == b.negated;
}

bool Same(const std::pair<Name, Literal>& a,
          const std::pair<Name, Literal>& b) {
  return Same(a.first, b.first) && Same(a.second, b.second);
}

bool Same(const Step& a, const Step& b) {
  return a.kind == b.kind && Same(a.words, b.words) &&
         Same(a.options, b.options) && Same(a.expect, b.expect);
}

bool Same(const Test& a, const Test& b) {
  return Same(a.title, b.title) && Same(a.steps, b.steps);
}

template <class T>
bool Same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const T& x, const T& y) { return Same(x, y); });
}

template <class T>
bool Same(const std::optional<T>& a, const std::optional<T>& b) {
  return a.has_value() == b.has_value() && (!a || Same(*a, *b));
}

// No overload of Same: a statement would convert to it, member by member.
bool SameStatement(const Statement& a, const Statement& b) {
  return a.index() == b.index() &&
         std::visit(
             [&](const auto& node) {
               return Same(node, std::get<std::decay_t<decltype(node)>>(b));
             },
             a);
}

}  // namespace

bool SameTree(const ast::Tree& a, const ast::Tree& b) {
  return std::equal(a.statements.begin(), a.statements.end(),
                    b.statements.begin(), b.statements.end(), SameStatement);
}

}  // namespace gate::rules
