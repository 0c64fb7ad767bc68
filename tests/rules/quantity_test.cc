#include "rules/quantity.h"

#include <gtest/gtest.h>

#include <string_view>

namespace gate::rules {
namespace {

using Kind = ast::Literal::Kind;

constexpr int64_t kSecond = 1'000'000;

TEST(ParseQuantity, ReadsNumbersSizesAndDurations) {
  struct Case {
    std::string_view text;
    Kind kind;
    int64_t number;
  };
  const Case cases[] = {
      {.text = "0", .kind = Kind::kNumber, .number = 0},
      {.text = "007", .kind = Kind::kNumber, .number = 7},
      {.text = "9223372036854775807",
       .kind = Kind::kNumber,
       .number = INT64_MAX},
      {.text = "10K", .kind = Kind::kSize, .number = int64_t{10} * 1024},
      {.text = "10M", .kind = Kind::kSize, .number = 10 << 20},
      {.text = "8589934591G",
       .kind = Kind::kSize,
       .number = int64_t{8589934591} << 30},
      {.text = "4GiB", .kind = Kind::kSize, .number = int64_t{4} << 30},
      {.text = "1T", .kind = Kind::kSize, .number = int64_t{1} << 40},
      {.text = "18s", .kind = Kind::kDuration, .number = 18 * kSecond},
      {.text = "5min", .kind = Kind::kDuration, .number = 300 * kSecond},
      {.text = "1h", .kind = Kind::kDuration, .number = 3600 * kSecond},
      {.text = "1hour", .kind = Kind::kDuration, .number = 3600 * kSecond},
      {.text = "2d", .kind = Kind::kDuration, .number = 172800 * kSecond},
      {.text = "1w", .kind = Kind::kDuration, .number = 604800 * kSecond},
  };
  for (const Case& c : cases) {
    const Quantity quantity = ParseQuantity(c.text);
    EXPECT_EQ(quantity.fault, QuantityFault::kNone) << c.text;
    EXPECT_EQ(quantity.kind, c.kind) << c.text;
    EXPECT_EQ(quantity.number, c.number) << c.text;
  }
}

TEST(ParseQuantity, RefusesWhatIsNoQuantity) {
  struct Case {
    std::string_view text;
    QuantityFault fault;
  };
  const Case cases[] = {
      {.text = "", .fault = QuantityFault::kNoNumber},
      {.text = "-5", .fault = QuantityFault::kNoNumber},
      {.text = "K", .fault = QuantityFault::kNoNumber},
      {.text = "9223372036854775808", .fault = QuantityFault::kTooLarge},
      {.text = "8589934592G", .fault = QuantityFault::kTooLarge},
      {.text = "99999999999w", .fault = QuantityFault::kTooLarge},
      {.text = "5m", .fault = QuantityFault::kUnknownUnit},
      {.text = "10k", .fault = QuantityFault::kUnknownUnit},
      {.text = "10iB", .fault = QuantityFault::kUnknownUnit},
      {.text = "1diB", .fault = QuantityFault::kUnknownUnit},
      {.text = "5.7", .fault = QuantityFault::kUnknownUnit},
      {.text = "5 K", .fault = QuantityFault::kUnknownUnit},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ParseQuantity(c.text).fault, c.fault) << c.text;
  }
}

TEST(ParseShare, ReadsPartsOfTheWhole) {
  EXPECT_EQ(ParseShare("1"), 10'000);
  EXPECT_EQ(ParseShare("0.1"), 1'000);
  EXPECT_EQ(ParseShare("12.3456"), 123'456);
  EXPECT_EQ(ParseShare("0"), 0);
  EXPECT_EQ(ParseShare("100"), 1'000'000);
  EXPECT_EQ(ParseShare("100.0"), 1'000'000);
}

TEST(ParseShare, RefusesWhatIsNoShare) {
  for (const char* text : {"", ".5", "1.", "101", "100.1", "0.00001", "1.x",
                           "1K", "-1", "1.2.3"}) {
    EXPECT_EQ(ParseShare(text), std::nullopt) << text;
  }
}

TEST(FormatQuantity, TakesTheLargestUnitThatDivides) {
  EXPECT_EQ(FormatSize(0), "0K");
  EXPECT_EQ(FormatSize(1024), "1K");
  EXPECT_EQ(FormatSize(int64_t{1536} * 1024), "1536K");
  EXPECT_EQ(FormatSize(int64_t{3} << 30), "3G");
  EXPECT_EQ(FormatSize(1000), "1000");
  EXPECT_EQ(FormatDuration(0), "0s");
  EXPECT_EQ(FormatDuration(90 * kSecond), "90s");
  EXPECT_EQ(FormatDuration(120 * kSecond), "2min");
  EXPECT_EQ(FormatDuration(int64_t{14} * 86400 * kSecond), "2w");
  EXPECT_EQ(FormatPeriod(3600 * kSecond), "hour");
  EXPECT_EQ(FormatPeriod(7200 * kSecond), "2h");
  EXPECT_EQ(FormatPeriod(kSecond), "s");
}

TEST(NearestUnit, KnowsOtherSpellings) {
  EXPECT_EQ(NearestUnit("MB"), "M");
  EXPECT_EQ(NearestUnit("m"), "min");
  EXPECT_EQ(NearestUnit("minutes"), "min");
  EXPECT_EQ(NearestUnit("huor"), "hour");
  EXPECT_EQ(NearestUnit("x"), "");
  EXPECT_EQ(NearestUnit("fortnight"), "");
}

}  // namespace
}  // namespace gate::rules
