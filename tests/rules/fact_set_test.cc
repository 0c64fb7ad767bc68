#include "rules/fact_set.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "tests/allocations.h"

namespace gate::rules {
namespace {

using enum FactId;

std::string Value(const FactSet& facts, FactId id, HeaderId header = {}) {
  std::string out;
  facts.AppendValue(id, header, out);
  return out;
}

TEST(FactSet, BeginsAbsent) {
  const FactSet facts;
  for (const FactInfo& info : AllFacts()) {
    EXPECT_EQ(facts.presence(info.id), Presence::kAbsent) << info.name;
  }
}

TEST(FactSet, HoldsAValueOfEachType) {
  FactSet facts;
  facts.SetText(kHelo, "mx.example.org");
  facts.SetNumber(kTlsBits, 256);
  facts.SetAddress(kClientIp, *IpAddress::Parse("192.0.2.1"));
  facts.SetPrefix(kClientNetwork, *IpPrefix::Parse("2001:db8::/64"));
  facts.SetFlag(kSessionLocal, true);
  EXPECT_EQ(facts.text(kHelo), "mx.example.org");
  EXPECT_EQ(facts.number(kTlsBits), 256);
  EXPECT_EQ(facts.address(kClientIp).ToString(), "192.0.2.1");
  EXPECT_EQ(facts.prefix(kClientNetwork).ToString(), "2001:db8::/64");
  EXPECT_TRUE(facts.present(kSessionLocal));
}

TEST(FactSet, TellsAbsentFromUnknown) {
  FactSet facts;
  facts.SetUnknown(kServerHost);
  EXPECT_EQ(facts.presence(kServerHost), Presence::kUnknown);
  EXPECT_FALSE(facts.present(kServerHost));
  facts.Clear(kServerHost);
  EXPECT_EQ(facts.presence(kServerHost), Presence::kAbsent);
  facts.SetFlag(kSessionLocal, false);
  EXPECT_EQ(facts.presence(kSessionLocal), Presence::kAbsent);
}

TEST(FactSet, ClearsFromAStageOn) {
  FactSet facts;
  facts.SetText(kDaemon, "smtpd");
  facts.SetText(kHelo, "a");
  facts.SetText(kSender, "b");
  facts.SetText(kFrom, "c");
  facts.ClearFrom(Stage::kMail);
  EXPECT_TRUE(facts.present(kDaemon));
  EXPECT_TRUE(facts.present(kHelo));
  EXPECT_FALSE(facts.present(kSender));
  EXPECT_FALSE(facts.present(kFrom));
  facts.ClearFrom(Stage::kConnect);
  EXPECT_FALSE(facts.present(kDaemon));
}

TEST(FactSet, GenerationGrowsWithEachChange) {
  FactSet facts;
  const uint32_t first = facts.generation(kHelo);
  facts.SetText(kHelo, "a");
  const uint32_t second = facts.generation(kHelo);
  EXPECT_GT(second, first);
  facts.Clear(kHelo);
  const uint32_t third = facts.generation(kHelo);
  EXPECT_GT(third, second);
  facts.Clear(kHelo);
  EXPECT_EQ(facts.generation(kHelo), third) << "it was absent already";
  EXPECT_EQ(facts.generation(kSender), 0u) << "another fact's change";
}

TEST(FactSet, GenerationOfHeadersGrowsWithEachHeader) {
  FactSet facts;
  facts.ResizeHeaders(2);
  const uint32_t before = facts.generation(kHeader);
  const uint32_t count_before = facts.generation(kHeaderCount);
  facts.AddHeader({1}, "x");
  EXPECT_GT(facts.generation(kHeader), before);
  EXPECT_GT(facts.generation(kHeaderCount), count_before);
  const uint32_t after = facts.generation(kHeader);
  facts.ClearFrom(Stage::kMail);
  EXPECT_GT(facts.generation(kHeader), after);
}

TEST(FactSet, OtherNumbersOfHeadersLeaveOtherFactsAlone) {
  FactSet facts;
  facts.ResizeHeaders(2);
  facts.AddHeader({1}, "x");
  facts.SetText(kFrom, "a@example.org");
  const uint32_t before = facts.generation(kHeader);
  facts.ResizeHeaders(2);
  EXPECT_EQ(facts.header_count({1}), 0u);
  EXPECT_FALSE(facts.present(kHeader));
  EXPECT_GT(facts.generation(kHeader), before);
  ASSERT_TRUE(facts.present(kFrom));
  EXPECT_EQ(facts.text(kFrom), "a@example.org");
}

TEST(FactSet, KeepsHeadersInTheOrderOfTheMessage) {
  FactSet facts;
  facts.ResizeHeaders(2);
  facts.AddHeader({0}, "one");
  facts.AddHeader({1}, "other");
  facts.AddHeader({0}, "two");
  ASSERT_EQ(facts.header_count({0}), 2u);
  EXPECT_EQ(facts.header({0}, 0), "one");
  EXPECT_EQ(facts.header({0}, 1), "two");
  EXPECT_EQ(facts.header_count({1}), 1u);
  facts.ClearFrom(Stage::kData);
  EXPECT_EQ(facts.header_count({0}), 0u);
  facts.AddHeader({0}, "three");
  EXPECT_EQ(facts.header({0}, 0), "three");
}

TEST(FactSet, KeepsABoundedNumberOfHeadersAndBytes) {
  FactSet facts;
  facts.ResizeHeaders(2);
  for (size_t i = 0; i < FactSet::kMaxHeaderInstances + 5; ++i) {
    facts.AddHeader({0}, "x");
  }
  EXPECT_EQ(facts.header_count({0}), FactSet::kMaxHeaderInstances);
  facts.ClearFrom(Stage::kMail);
  const std::string large(FactSet::kMaxHeaderBytes - 3, 'x');
  facts.AddHeader({0}, large);
  facts.AddHeader({1}, "abcdef");
  facts.AddHeader({1}, "gh");
  EXPECT_EQ(facts.header({1}, 0), "abc");
  EXPECT_EQ(facts.header({1}, 1), "");
  facts.ClearFrom(Stage::kMail);
  facts.AddHeader({1}, "abcdef");
  EXPECT_EQ(facts.header({1}, 0), "abcdef");
}

TEST(FactSet, DoesNotAllocateAfterWarmUp) {
  FactSet facts;
  facts.ResizeHeaders(1);
  const std::string text = "a text that is longer than a short string";
  const auto fill = [&] {
    facts.ClearFrom(Stage::kConnect);
    facts.SetText(kHelo, text);
    facts.SetNumber(kTlsBits, 1);
    facts.AddHeader({0}, text);
    facts.AddHeader({0}, text);
  };
  fill();
  const size_t before = ThreadAllocations();
  fill();
  EXPECT_EQ(ThreadAllocations(), before);
}

TEST(FactSet, WritesValuesAsPeopleDo) {
  FactSet facts;
  facts.ResizeHeaders(1);
  facts.SetText(kHelo, "mx.example.org");
  facts.SetNumber(kSenderSize, 1024);
  facts.SetAddress(kClientIp, *IpAddress::Parse("2001:DB8::1"));
  facts.SetPrefix(kClientNetwork, *IpPrefix::Parse("2001:db8::/64"));
  facts.SetFlag(kSessionLocal, true);
  facts.SetUnknown(kServerHost);
  facts.AddHeader({0}, "one");
  facts.AddHeader({0}, "two");
  EXPECT_EQ(Value(facts, kHelo), "mx.example.org");
  EXPECT_EQ(Value(facts, kSenderSize), "1024");
  EXPECT_EQ(Value(facts, kClientIp), "2001:db8::1");
  EXPECT_EQ(Value(facts, kClientNetwork), "2001:db8::/64");
  EXPECT_EQ(Value(facts, kSessionLocal), "yes");
  EXPECT_EQ(Value(facts, kServerHost), "");
  EXPECT_EQ(Value(facts, kSender), "");
  EXPECT_EQ(Value(facts, kHeader, {0}), "one, two");
  EXPECT_EQ(Value(facts, kHeaderCount, {0}), "2");
}

struct DurationCase {
  int64_t us;
  std::string_view text;
};

TEST(AppendDuration, TakesTheLargestUnitThatDividesIt) {
  constexpr int64_t kSecond = 1'000'000;
  constexpr auto kCases = std::to_array<DurationCase>({
      {0, "0s"},
      {1, "1s"},
      {18 * kSecond, "18s"},
      {17 * kSecond + 1, "18s"},
      {60 * kSecond, "1min"},
      {90 * kSecond, "90s"},
      {300 * kSecond, "5min"},
      {3600 * kSecond, "1h"},
      {5400 * kSecond, "90min"},
      {int64_t{48} * 3600 * kSecond, "2d"},
  });
  for (const DurationCase& test : kCases) {
    std::string out = "in ";
    AppendDuration(test.us, out);
    EXPECT_EQ(out, "in " + std::string(test.text)) << test.us;
  }
}

}  // namespace
}  // namespace gate::rules
