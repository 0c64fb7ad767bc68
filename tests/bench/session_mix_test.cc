#include "tests/bench/session_mix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gate::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(SessionMix, HasKindsEventsAndVerdicts) {
  const absl::StatusOr<Mix> mix = ParseMix(
      "# a mix\n"
      "kind bulk 3\n"
      "connect mx.example 192.0.2.1\n"
      "macro {auth_type} PLAIN\n"
      "mail <a@b.example> SIZE=10\n"
      "rcpt <c@d.example>  -> 554\n"
      "kind probe 1\n"
      "helo x -> tempfail\n"
      "header Subject: one -> two -> skip\n");
  ASSERT_TRUE(mix.ok()) << mix.status();
  ASSERT_EQ(mix->size(), 2u);
  const MixKind& bulk = mix->front();
  EXPECT_EQ(bulk.name, "bulk");
  EXPECT_EQ(bulk.weight, 3u);
  ASSERT_EQ(bulk.events.size(), 3u);
  EXPECT_EQ(bulk.events[0].command, 'C');
  EXPECT_THAT(bulk.events[0].macros, ElementsAre());
  EXPECT_THAT(bulk.events[1].arguments,
              ElementsAre("<a@b.example>", "SIZE=10"));
  EXPECT_THAT(bulk.events[1].macros, ElementsAre(Pair("{auth_type}", "PLAIN")));
  EXPECT_EQ(bulk.events[1].expected, "c");
  EXPECT_EQ(bulk.events[2].expected, "y554");
  const MixKind& probe = mix->back();
  EXPECT_EQ(probe.events[0].expected, "t");
  EXPECT_THAT(probe.events[0].macros, ElementsAre());
  EXPECT_THAT(probe.events[1].arguments, ElementsAre("Subject", "one -> two"));
  EXPECT_EQ(probe.events[1].expected, "s");
}

struct Fault {
  const char* text;
  const char* message;
};

TEST(SessionMix, SaysWhatIsWrongAndWhere) {
  constexpr Fault kFaults[] = {
      {"", "a kind without events"},
      {"kind a 1\n", "a kind without events"},
      {"kind a 1\nkind b 1\nhelo x\n", "line 2: a has no events"},
      {"helo x\n", "line 1: a kind comes first"},
      {"kind a 0\n", "line 1: `kind NAME WEIGHT`"},
      {"kind a 1\nhello x\n", "line 2: no event: hello"},
      {"kind a 1\nnegotiate\n", "line 2: arguments do not fit negotiate"},
      {"kind a 1\nhelo\n", "line 2: arguments do not fit helo"},
      {"kind a 1\nhelo x -> maybe\n", "line 2: no verdict: maybe"},
      {"kind a 1\nhelo x -> 5540\n", "line 2: no verdict: 5540"},
      {"kind a 1\nmacro i\n", "line 2: `macro NAME VALUE`"},
  };
  for (const Fault& fault : kFaults) {
    const absl::StatusOr<Mix> mix = ParseMix(fault.text);
    ASSERT_FALSE(mix.ok()) << fault.text;
    EXPECT_THAT(std::string(mix.status().message()), HasSubstr(fault.message));
  }
}

}  // namespace
}  // namespace gate::bench
