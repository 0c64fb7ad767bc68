// Which verdicts have a reference, and which replies show it.
#include <gtest/gtest.h>

#include "policy/engine.h"
#include "tests/policy/engine_fixture.h"

namespace gate::policy {
namespace {

constexpr char kPolicy[] = R"(
  at connect { kept: reject when client.ip == 192.0.2.9 }
  at rcpt {
    shadow show: reject when rcpt.local == "shown"
    no: reject when rcpt.local == "no"
    later: defer when rcpt.local == "later"
  }
  at message { gone: discard when rcpt.count > 5 }
)";

class EngineReferenceTest : public EngineTest {
 protected:
  void UseWith(const std::string& settings) { Use(settings + kPolicy); }

  Verdict Refused() {
    mta.Connect();
    mta.Mail();
    return mta.Rcpt("<no@example.org>");
  }
};

TEST_F(EngineReferenceTest, EachRefusalHasItsOwn) {
  UseWith("");
  const uint64_t first = Refused().reference;
  const uint64_t second = mta.Rcpt("<no@example.org>").reference;
  const uint64_t third = mta.Rcpt("<later@example.org>").reference;
  EXPECT_NE(first, 0);
  EXPECT_GT(second, first);
  EXPECT_GT(third, second);
}

TEST_F(EngineReferenceTest, TellsTheTimeOfTheEvent) {
  UseWith("");
  clock.clock.Advance(5'000'000);
  const auto ticks = static_cast<uint64_t>(
      clock.clock.Read().wall_us / 1'000'000 * kReferenceTicksPerSecond);
  EXPECT_EQ(Refused().reference >> 4, ticks % (uint64_t{1} << 36));
}

TEST_F(EngineReferenceTest, WhatRefusesNothingHasNone) {
  UseWith("set reference on\n");
  EXPECT_EQ(mta.Connect().reference, 0);
  EXPECT_EQ(mta.Mail().reference, 0);
  EXPECT_EQ(mta.Rcpt("<shown@example.org>").reference, 0);
  for (int i = 0; i < 6; ++i) mta.Rcpt();
  const Verdict discarded = mta.Message();
  EXPECT_EQ(discarded.action, rules::Action::kDiscard);
  EXPECT_EQ(discarded.reference, 0);
  EXPECT_FALSE(discarded.shows_reference);
}

TEST_F(EngineReferenceTest, AKeptVerdictKeepsIts) {
  UseWith("set reference on\n set contact \"postmaster@example.org\"\n");
  const uint64_t kept = mta.Connect("192.0.2.9").reference;
  EXPECT_NE(kept, 0);
  for (int i = 0; i < 2; ++i) {
    const Verdict given = mta.Mail();
    EXPECT_TRUE(given.repeat);
    EXPECT_EQ(given.reference, kept);
    EXPECT_TRUE(given.shows_reference);
    EXPECT_EQ(given.contact, "postmaster@example.org");
  }
}

TEST_F(EngineReferenceTest, IsShownWithAJournalUnlessTold) {
  struct Case {
    const char* settings;
    bool shown;
  };
  constexpr Case kCases[] = {
      {"", false},
      {"set journal \"/j\"\n", true},
      {"set reference on\n", true},
      {"set reference off\n set journal \"/j\"\n", false},
  };
  for (const Case& c : kCases) {
    UseWith(c.settings);
    const Verdict verdict = Refused();
    EXPECT_EQ(verdict.shows_reference, c.shown) << c.settings;
    EXPECT_NE(verdict.reference, 0) << c.settings;
    EXPECT_EQ(verdict.contact, "");
  }
}

TEST_F(EngineReferenceTest, ALimitThatCannotBeAskedDefersWithOne) {
  UseWith(
      "limit many 5/hour per sender counting recipients outage defer\n"
      "at rcpt { over_it: defer when over many }\n");
  store.answers["many"] = {.state = AnswerState::kUnavailable};
  mta.Connect();
  mta.Mail();
  const Verdict verdict = mta.Rcpt();
  EXPECT_EQ(verdict.rule, nullptr);
  EXPECT_EQ(verdict.code, 451);
  EXPECT_NE(verdict.reference, 0);
}

}  // namespace
}  // namespace gate::policy
