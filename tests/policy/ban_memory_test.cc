#include "policy/ban_memory.h"

#include <gtest/gtest.h>

#include <string>

namespace gate::policy {
namespace {

TEST(BanMemory, KnowsABanUntilItEnds) {
  BanMemory bans;
  bans.Remember("client.network", "192.0.2.1", 100);
  EXPECT_TRUE(bans.Knows("client.network", "192.0.2.1", 99));
  EXPECT_FALSE(bans.Knows("client.network", "192.0.2.1", 100));
  EXPECT_FALSE(bans.Knows("client.network", "192.0.2.2", 0));
  EXPECT_FALSE(bans.Knows("sender", "192.0.2.1", 0));
}

TEST(BanMemory, KeepsTheLongerOfTwoBans) {
  BanMemory bans;
  bans.Remember("sender", "a", 100);
  bans.Remember("sender", "a", 50);
  EXPECT_TRUE(bans.Knows("sender", "a", 99));
  EXPECT_EQ(bans.size(), 1U);
}

TEST(BanMemory, ForgetsWhatTheStoreDenies) {
  BanMemory bans;
  bans.Remember("sender", "a", 100);
  bans.Forget("sender", "b");
  EXPECT_TRUE(bans.Knows("sender", "a", 0));
  bans.Forget("sender", "a");
  EXPECT_FALSE(bans.Knows("sender", "a", 0));
  EXPECT_EQ(bans.size(), 0U);
}

TEST(BanMemory, IsBounded) {
  BanMemory bans;
  for (size_t i = 0; i < BanMemory::kMaxBans + 10; ++i) {
    bans.Remember("sender", std::to_string(i), 100);
  }
  EXPECT_EQ(bans.size(), BanMemory::kMaxBans);
  EXPECT_TRUE(bans.Knows("sender", std::to_string(BanMemory::kMaxBans + 9), 0));
}

}  // namespace
}  // namespace gate::policy
