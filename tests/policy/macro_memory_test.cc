#include "policy/macro_memory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/allocations.h"

namespace gate::policy {
namespace {

using rules::FactBits;
using rules::FactId;

FactBits Bits(std::initializer_list<FactId> facts) {
  FactBits bits;
  for (const FactId fact : facts) bits.set(static_cast<size_t>(fact));
  return bits;
}

constexpr FactId kHost = FactId::kServerHost;
constexpr FactId kPtr = FactId::kClientPtr;

TEST(MacroMemory, WhatWasSentOnceIsNotNeverSent) {
  MacroMemory memory;
  EXPECT_EQ(memory.NeverSent(MtaKind::kSendmail, Bits({kHost, kPtr})),
            Bits({kHost, kPtr}));
  memory.Remember(MtaKind::kSendmail, Bits({kPtr}));
  EXPECT_EQ(memory.NeverSent(MtaKind::kSendmail, Bits({kHost, kPtr})),
            Bits({kHost}));
}

TEST(MacroMemory, EachKindOfMtaIsItsOwn) {
  MacroMemory memory;
  memory.Remember(MtaKind::kSendmail, Bits({kHost}));
  EXPECT_EQ(memory.NeverSent(MtaKind::kPostfix, Bits({kHost})), Bits({kHost}));
  EXPECT_TRUE(memory.Count(MtaKind::kPostfix, kHost, 1));
  const std::vector<UnknownFact> unknown = memory.Unknown(Bits({kHost, kPtr}));
  ASSERT_EQ(unknown.size(), 1u);
  EXPECT_EQ(unknown[0].fact, kHost);
  EXPECT_EQ(unknown[0].mta, MtaKind::kPostfix);
}

TEST(MacroMemory, CountsEventsAndIsToldOnceALoad) {
  MacroMemory memory;
  EXPECT_TRUE(memory.Count(MtaKind::kPostfix, kHost, 1));
  EXPECT_FALSE(memory.Count(MtaKind::kPostfix, kHost, 1));
  EXPECT_TRUE(memory.Count(MtaKind::kPostfix, kPtr, 1)) << "another fact";
  EXPECT_TRUE(memory.Count(MtaKind::kOther, kHost, 1)) << "another MTA";
  EXPECT_TRUE(memory.Count(MtaKind::kPostfix, kHost, 3)) << "another policy";
  EXPECT_FALSE(memory.Count(MtaKind::kPostfix, kHost, 2))
      << "of a connection that is pinned to an older policy";
  EXPECT_EQ(memory.Unknown(Bits({kHost}))[0].events, 4u);
}

TEST(MacroMemory, ShowsWhatIsNeededAndWasNeverSent) {
  MacroMemory memory;
  memory.Count(MtaKind::kPostfix, kHost, 1);
  memory.Count(MtaKind::kPostfix, kPtr, 1);
  EXPECT_EQ(memory.Unknown(Bits({kHost})).size(), 1u);
  EXPECT_EQ(memory.Unknown(Bits({kHost, kPtr})).size(), 2u);
  memory.Remember(MtaKind::kPostfix, Bits({kHost}));
  EXPECT_TRUE(memory.Unknown(Bits({kHost})).empty()) << "it came after all";
}

TEST(MacroMemory, TellsOneOfManyThreads) {
  MacroMemory memory;
  std::atomic<int> told = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        if (memory.Count(MtaKind::kPostfix, kHost, 1)) ++told;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(memory.Unknown(Bits({kHost}))[0].events, 8000u);
}

TEST(MacroMemory, CountingAllocatesNothing) {
  MacroMemory memory;
  const size_t before = ThreadAllocations();
  memory.Remember(MtaKind::kPostfix, Bits({kPtr}));
  memory.NeverSent(MtaKind::kPostfix, Bits({kHost}));
  memory.Count(MtaKind::kPostfix, kHost, 1);
  EXPECT_EQ(ThreadAllocations(), before);
}

TEST(MtaKind, IsKnownByItsVersion) {
  EXPECT_EQ(FindMtaKind("Postfix 3.7.11"), MtaKind::kPostfix);
  EXPECT_EQ(FindMtaKind("8.17.1.9"), MtaKind::kSendmail);
  EXPECT_EQ(FindMtaKind(""), MtaKind::kOther);
  EXPECT_EQ(FindMtaKind("88 miles"), MtaKind::kOther);
}

}  // namespace
}  // namespace gate::policy
