#include "policy/space_saving.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gate::policy {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::SizeIs;

using Counts = std::map<std::string, uint64_t>;

// A stream with few frequent keys and many rare ones: key k comes about as
// often as 1/k (a Zipf distribution, by inverting its density).
std::string NextKey(std::mt19937_64& random, double keys) {
  std::uniform_real_distribution<double> uniform(0, 1);
  return std::to_string(
      static_cast<uint64_t>(std::exp(uniform(random) * std::log(keys))));
}

void ExpectBounds(const SpaceSaving& sketch, const Counts& counts,
                  size_t capacity) {
  EXPECT_LE(sketch.floor(), sketch.added() / capacity);
  std::map<std::string, uint64_t> watched;
  for (const FrequentKey& key : sketch.keys()) {
    watched[key.key] = key.count;
    const uint64_t real = counts.at(key.key);
    EXPECT_LE(key.count - key.error, real) << key.key;
    EXPECT_GE(key.count, real) << key.key;
    EXPECT_LE(key.error, sketch.floor()) << key.key;
  }
  for (const auto& [key, real] : counts) {
    if (!watched.contains(key)) {
      EXPECT_LE(real, sketch.floor()) << key;
    }
  }
}

TEST(SpaceSaving, CountsExactlyWhileThereIsRoom) {
  SpaceSaving sketch(3);
  for (const char* key : {"a", "b", "b", "c", "b", "c"}) sketch.Add(key);
  EXPECT_THAT(sketch.keys(), ElementsAre(Field(&FrequentKey::key, "b"),
                                         Field(&FrequentKey::key, "c"),
                                         Field(&FrequentKey::key, "a")));
  EXPECT_EQ(sketch.keys()[0].count, 3u);
  EXPECT_EQ(sketch.keys()[0].error, 0u);
  EXPECT_EQ(sketch.added(), 6u);
  EXPECT_EQ(sketch.floor(), 1u);
}

TEST(SpaceSaving, ANewKeyTakesThePlaceOfTheRarest) {
  SpaceSaving sketch(2);
  for (const char* key : {"a", "a", "b", "c"}) sketch.Add(key);
  ASSERT_THAT(sketch.keys(), SizeIs(2));
  EXPECT_EQ(sketch.keys()[1].key, "c");
  EXPECT_EQ(sketch.keys()[1].count, 2u);
  EXPECT_EQ(sketch.keys()[1].error, 1u);
}

TEST(SpaceSaving, KeepsItsBoundsOverLongStreams) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    constexpr size_t kCapacity = 100;
    SpaceSaving sketch(kCapacity);
    Counts counts;
    for (int i = 0; i < 50'000; ++i) {
      const std::string key = NextKey(random, 20'000);
      sketch.Add(key);
      ++counts[key];
      if (i % 10'000 == 9'999) ExpectBounds(sketch, counts, kCapacity);
    }
    EXPECT_THAT(sketch.keys(), SizeIs(kCapacity));
    EXPECT_EQ(sketch.keys().front().key, "1");
  }
}

TEST(SpaceSaving, StaysInOrderWhenAllKeysAreNew) {
  SpaceSaving sketch(10);
  for (int i = 0; i < 1000; ++i) sketch.Add(std::to_string(i));
  EXPECT_THAT(sketch.keys(), SizeIs(10));
  EXPECT_EQ(sketch.floor(), 100u);
  for (const FrequentKey& key : sketch.keys()) EXPECT_EQ(key.count, 100u);
}

TEST(SpaceSaving, GoesOnFromWhatWasSaved) {
  std::mt19937_64 random(4);
  SpaceSaving before(50);
  Counts counts;
  const auto add = [&](SpaceSaving& sketch) {
    const std::string key = NextKey(random, 5'000);
    sketch.Add(key);
    ++counts[key];
  };
  for (int i = 0; i < 10'000; ++i) add(before);
  SpaceSaving after(50, before.keys());
  EXPECT_EQ(after.added(), before.added());
  for (int i = 0; i < 10'000; ++i) add(after);
  ExpectBounds(after, counts, 50);
}

TEST(SpaceSaving, CutsLongKeys) {
  SpaceSaving sketch(2);
  sketch.Add(std::string(1000, 'x'));
  sketch.Add(std::string(2000, 'x'));
  ASSERT_THAT(sketch.keys(), SizeIs(1));
  EXPECT_THAT(sketch.keys()[0].key, SizeIs(SpaceSaving::kMaxKeyBytes));
}

}  // namespace
}  // namespace gate::policy
