#include "milter/descriptors.h"

#include <gtest/gtest.h>

namespace gate::milter {
namespace {

constexpr MtaConnections kWanted = {.served = 16384, .turned_away = 1024};

TEST(Descriptors, ALimitWithRoomLeavesWhatIsWanted) {
  for (const uint64_t limit : {uint64_t{16384 + 1024 + 100}, uint64_t{65536},
                               ~uint64_t{0} /* RLIM_INFINITY */}) {
    EXPECT_EQ(WithinDescriptors(limit, 100, kWanted), kWanted) << limit;
  }
}

TEST(Descriptors, WhatIsWantedIsServedBeforeOthersAreToldSo) {
  EXPECT_EQ(WithinDescriptors(1000, 100, {.served = 500, .turned_away = 1024}),
            (MtaConnections{.served = 500, .turned_away = 400}));
  EXPECT_EQ(WithinDescriptors(16384 + 500 + 100, 100, kWanted),
            (MtaConnections{.served = 16384, .turned_away = 500}));
}

TEST(Descriptors, ALowLimitIsSharedAndKeptOnesStay) {
  EXPECT_EQ(WithinDescriptors(900, 100, kWanted),
            (MtaConnections{.served = 700, .turned_away = 100}));
  for (uint64_t limit = 103; limit < 20'000; ++limit) {
    const MtaConnections fits = WithinDescriptors(limit, 100, kWanted);
    ASSERT_LE(fits.served + fits.turned_away + 100, limit);
    ASSERT_LE(fits.served, kWanted.served);
    ASSERT_GE(fits.served, 1u);
    ASSERT_GE(fits.turned_away, 1u);
  }
}

TEST(Descriptors, OneMtaIsServedHoweverLowTheLimit) {
  for (const uint64_t limit : {0u, 1u, 50u, 100u, 102u}) {
    EXPECT_EQ(WithinDescriptors(limit, 100, kWanted),
              (MtaConnections{.served = 1, .turned_away = 1}))
        << limit;
  }
}

TEST(Descriptors, TheHttpServerTakesAQuarterAtMost) {
  EXPECT_EQ(WebConnections(1024, 2048), 256u);
  EXPECT_EQ(WebConnections(65536, 2048), 2048u);
  EXPECT_EQ(WebConnections(2, 2048), 1u);
  EXPECT_EQ(KeptDescriptors(4, 256) - KeptDescriptors(4, 0), 256u);
  EXPECT_GT(KeptDescriptors(4, 0), KeptDescriptors(1, 0));
}

}  // namespace
}  // namespace gate::milter
