// Policies and sessions put together at random from small pools, so that
// tests hold and fail about as often, and what they mean to the naive
// evaluator.
#pragma once

#include <string>

#include "rules/fact_set.h"
#include "rules/policy.h"
#include "tests/rules/choices.h"
#include "tests/rules/naive_evaluator.h"

namespace gate::rules {

// The text of a rule file without faults: lists, limits, lets and rules of all
// stages.
std::string GeneratePolicy(Choices& choices);

// Facts of one session and answers of the store.
void GenerateWorld(Choices& choices, PlainWorld& world);
// The lists and lets of a generated tree, which must outlive the world.
void AddDeclarations(const ast::Tree& tree, PlainWorld& world);

// Puts into `facts` what differs between the worlds, as events would.
void ApplyWorld(const PlainWorld& before, const PlainWorld& after,
                const Policy& policy, FactSet& facts);

}  // namespace gate::rules
