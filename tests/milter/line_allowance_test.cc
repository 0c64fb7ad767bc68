#include "milter/line_allowance.h"

#include <gtest/gtest.h>

namespace gate::milter {
namespace {

TEST(LineAllowance, AllowsSoManyASecondAndCountsTheRest) {
  LineAllowance allowance(2);
  EXPECT_TRUE(allowance.Take(7));
  EXPECT_TRUE(allowance.Take(7));
  EXPECT_FALSE(allowance.Take(7));
  EXPECT_FALSE(allowance.Take(7));
  EXPECT_TRUE(allowance.Take(8));
  EXPECT_EQ(allowance.TakeLeftOut(), 2u);
  EXPECT_EQ(allowance.TakeLeftOut(), 0u);
  EXPECT_TRUE(allowance.Take(8));
  EXPECT_FALSE(allowance.Take(8));
  EXPECT_EQ(allowance.TakeLeftOut(), 1u);
}

}  // namespace
}  // namespace gate::milter
