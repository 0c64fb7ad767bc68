#include "policy/journal_names.h"

#include <gtest/gtest.h>

namespace gate::policy {
namespace {

constexpr int64_t kDay = int64_t{24} * 3600 * 1'000'000;

TEST(JournalNames, AreInTheOrderOfTimeAndLeadBackToIt) {
  std::string before;
  // From 1970 to 2190, by steps that hit all hours.
  for (int64_t time = 123; time < 80'000 * kDay; time += 7 * kDay + 3'700'001) {
    const std::string name = SegmentName(time);
    ASSERT_TRUE(IsSegmentName(name)) << name;
    EXPECT_EQ(SegmentTime(name), time) << name;
    EXPECT_LT(before, name);
    before = name;
  }
  EXPECT_EQ(SegmentName(1'764'000'000'123'456),
            "20251124T160000.123456Z.journal");
}

TEST(JournalNames, AreNotThoseOfOtherFiles) {
  for (const char* name :
       {"", "lock", ".journal", "20251124T160000.123456Z.journal~",
        "20251124T160000.123456Z.journa", "20251124T160000.12345xZ.journal",
        "20251124t160000.123456Z.journal", "policy-0123456789abcdef.zst",
        "99999999T999999.999999Z.journal", "20250230T000000.000000Z.journal"}) {
    EXPECT_FALSE(IsSegmentName(name)) << name;
  }
}

TEST(JournalNames, OfPoliciesAreTheirNumbers) {
  EXPECT_EQ(PolicyFileName(0x123456789abcdef), "policy-0123456789abcdef.zst");
  EXPECT_TRUE(IsPolicyFileName(PolicyFileName(~uint64_t{0})));
  EXPECT_FALSE(IsPolicyFileName("policy-0123456789ABCDEF.zst"));
  EXPECT_FALSE(IsPolicyFileName("policy-0123456789abcdef.zst.new"));
}

}  // namespace
}  // namespace gate::policy
