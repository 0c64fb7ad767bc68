// What a condition means, as design.md section 4 says it and nothing else: it
// walks the tree over texts, for one session, slowly. The compiled form is
// tested against it, so it shares no code with it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rules/ast.h"

namespace gate::rules {

// The instances of a header, one value of any other fact ("yes" of a flag).
// Texts in normal form, as FactSet has them.
struct PlainFact {
  bool unknown = false;
  std::vector<std::string> values;
};

// kMaybe: depends on the store. In order, for minimum and maximum.
enum class Plain { kNo, kMaybe, kYes };

struct PlainWorld {
  // "client.ip", header["subject"] (lower case); missing: absent.
  std::map<std::string, PlainFact> facts;
  std::map<std::string, const ast::List*> lists;
  std::map<std::string, const ast::Expr*> lets;
  std::map<std::string, Plain> over;    // by the limit's name
  std::map<std::string, Plain> banned;  // by the fact's name
};

// The key of `fact` in PlainWorld::facts.
std::string PlainName(const ast::FactRef& fact);

Plain Evaluate(const ast::Expr& expr, const PlainWorld& world,
               bool negated = false);

}  // namespace gate::rules
