// Policies from texts, for tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "rules/load.h"
#include "tests/rules/map_reader.h"

namespace gate::policy {

// Null, and a test failure, when the text has faults.
inline std::shared_ptr<const rules::Policy> PolicyOf(
    std::string text, const rules::LoadOptions& options = {}) {
  rules::MapReader reader({{"policy.rules", std::move(text)}});
  const rules::LoadResult loaded =
      rules::LoadPolicy(reader, "policy.rules", options);
  EXPECT_TRUE(loaded.policy) << loaded.Render();
  return loaded.policy;
}

}  // namespace gate::policy
