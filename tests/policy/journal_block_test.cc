#include "policy/journal_block.h"

#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

#include "tests/policy/journal_fixture.h"

namespace gate::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// A block of `specs`, and its records.
struct Packed {
  explicit Packed(const std::vector<RecordSpec>& specs) {
    BlockBuilder builder;
    for (const RecordSpec& spec : specs) {
      records.push_back(RecordOf(spec));
      builder.Add(*ReadKeys(records.back()), records.back());
    }
    bytes = builder.Pack();
    header = ReadBlockHeader(bytes);
  }
  std::string_view Filter() const {
    return std::string_view(bytes).substr(kBlockHeaderBytes,
                                          header->filter_size);
  }
  std::string_view PackedRecords() const {
    return std::string_view(bytes).substr(kBlockHeaderBytes +
                                          header->filter_size);
  }

  std::vector<std::string> records;
  std::string bytes;
  std::optional<BlockHeader> header;
};

Packed Example() {
  return Packed({{.wall_us = 300,
                  .reference = 9,
                  .client = "192.0.2.1",
                  .queue_id = "4TEST"},
                 {.wall_us = 100, .reference = 7, .client = "2001:db8::1"},
                 {.wall_us = 200, .reference = 8}});
}

// Whether all of a block's bytes are as they were written.
bool IsWhole(std::string_view bytes) {
  const auto header = ReadBlockHeader(bytes);
  if (!header || header->size() != bytes.size()) return false;
  const auto filter = bytes.substr(kBlockHeaderBytes, header->filter_size);
  std::string raw;
  std::vector<std::string_view> records;
  return IsWholeFilter(*header, filter) &&
         UnpackBlock(*header, bytes.substr(kBlockHeaderBytes + filter.size()),
                     raw, records);
}

TEST(JournalBlock, GivesBackWhatItWasGiven) {
  const Packed block = Example();
  ASSERT_TRUE(block.header.has_value());
  EXPECT_EQ(block.header->size(), block.bytes.size());
  EXPECT_EQ(block.header->records, 3U);
  EXPECT_EQ(block.header->oldest_us, 100);
  EXPECT_EQ(block.header->newest_us, 300);
  EXPECT_EQ(block.header->least_reference, 7U);
  EXPECT_EQ(block.header->greatest_reference, 9U);
  std::string raw;
  std::vector<std::string_view> records;
  ASSERT_TRUE(UnpackBlock(*block.header, block.PackedRecords(), raw, records));
  EXPECT_THAT(records, ElementsAre(block.records[0], block.records[1],
                                   block.records[2]));
}

TEST(JournalBlock, HasNoRangeOfReferencesWithoutAny) {
  const Packed block(std::vector<RecordSpec>{{.wall_us = 1}});
  EXPECT_EQ(block.header->least_reference, 0U);
  EXPECT_EQ(block.header->greatest_reference, 0U);
  EXPECT_EQ(block.header->filter_size, 0U);
  EXPECT_FALSE(MayHold(block.Filter(), QueueIdKey("4TEST")));
}

TEST(JournalBlock, IsBuiltAnewAfterEachPack) {
  BlockBuilder builder;
  const std::string first = RecordOf({.wall_us = 1, .reference = 1});
  const std::string second = RecordOf({.wall_us = 5, .reference = 5});
  builder.Add(*ReadKeys(first), first);
  builder.Pack();
  EXPECT_TRUE(builder.empty());
  builder.Add(*ReadKeys(second), second);
  const auto header = ReadBlockHeader(builder.Pack());
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->records, 1U);
  EXPECT_EQ(header->oldest_us, 5);
  EXPECT_EQ(header->least_reference, 5U);
}

TEST(JournalBlock, TakesTheLargestRecordOnTopOfAnAlmostFullBlock) {
  BlockBuilder builder;
  std::mt19937_64 random(1);  // bytes that do not pack
  std::string filling(kBlockBytes - 100, '\0');
  for (char& byte : filling) byte = static_cast<char>(random());
  const std::string record = RecordOf({.wall_us = 1, .filling = filling});
  builder.Add(*ReadKeys(record), record);
  ASSERT_FALSE(builder.full());
  builder.Add(*ReadKeys(record), record);
  EXPECT_TRUE(builder.full());
  EXPECT_TRUE(IsWhole(builder.Pack()));
}

TEST(JournalBlock, NeverDeniesWhatItHoldsAndRarelyClaimsWhatItDoesNot) {
  std::mt19937 random(4711);
  const auto address = [&random] {
    return rules::IpAddress::FromV4(static_cast<uint32_t>(random()));
  };
  absl::flat_hash_set<uint64_t> keys;
  for (int i = 0; i < 1000; ++i) keys.insert(AddressKey(address()));
  const std::string filter = MakeFilter(keys);
  for (const uint64_t key : keys) EXPECT_TRUE(MayHold(filter, key));
  int claimed = 0;
  for (int i = 0; i < 100'000; ++i) {
    claimed += MayHold(filter, AddressKey(address())) ? 1 : 0;
  }
  EXPECT_LT(claimed, 100'000 / 30);
}

TEST(JournalBlock, KnowsItsAddressesNetworksAndQueueIds) {
  const Packed block = Example();
  const auto parse = [](std::string_view text) {
    return *rules::IpAddress::Parse(text);
  };
  const std::string_view filter = block.Filter();
  EXPECT_TRUE(MayHold(filter, AddressKey(parse("192.0.2.1"))));
  EXPECT_TRUE(MayHold(filter, NetworkKey(parse("192.0.2.77"))));
  EXPECT_TRUE(MayHold(filter, AddressKey(parse("2001:db8::1"))));
  EXPECT_TRUE(MayHold(filter, NetworkKey(parse("2001:db8::ffff:1"))));
  EXPECT_TRUE(MayHold(filter, QueueIdKey("4TEST")));
  int claimed = 0;
  for (int i = 0; i < 1000; ++i) {
    claimed += MayHold(filter, QueueIdKey("4TEST" + std::to_string(i)));
  }
  EXPECT_LT(claimed, 100) << "a small filter errs more often";
}

TEST(JournalBlock, NoticesEveryFlippedBitWhereverItIs) {
  const Packed block = Example();
  ASSERT_TRUE(IsWhole(block.bytes));
  for (size_t i = 0; i < block.bytes.size() * 8; ++i) {
    std::string damaged = block.bytes;
    damaged[i / 8] =
        static_cast<char>(static_cast<uint8_t>(damaged[i / 8]) ^ 1U << i % 8);
    EXPECT_FALSE(IsWhole(damaged)) << "bit " << i;
  }
}

TEST(JournalBlock, NoticesACutAtEveryLength) {
  const Packed block = Example();
  for (size_t size = 0; size < block.bytes.size(); ++size) {
    EXPECT_FALSE(IsWhole(std::string_view(block.bytes).substr(0, size)))
        << size;
  }
}

// A header that promises more than a block can hold is none, before anybody
// takes memory for it.
TEST(JournalBlock, UnpacksNoMoreThanTheHeaderSays) {
  const std::string zeros(60'000, '0');
  const Packed bomb(std::vector<RecordSpec>{{.wall_us = 1, .filling = zeros}});
  ASSERT_LT(bomb.bytes.size(), 1000U);
  BlockHeader lying = *bomb.header;
  lying.raw_size = 1000;
  std::string raw;
  std::vector<std::string_view> records;
  EXPECT_FALSE(UnpackBlock(lying, bomb.PackedRecords(), raw, records));
  EXPECT_EQ(raw.size(), 1000U);
  lying.raw_size = bomb.header->raw_size;
  lying.records = 2;
  EXPECT_FALSE(UnpackBlock(lying, bomb.PackedRecords(), raw, records));
  lying.records = 1;
  EXPECT_TRUE(UnpackBlock(lying, bomb.PackedRecords(), raw, records));
}

}  // namespace
}  // namespace gate::policy
