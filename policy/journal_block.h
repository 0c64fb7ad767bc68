// Blocks of the journal's segments: about 64 KiB of records, packed, behind a
// header that says whether it can hold what somebody looks for. Pure.
//
// header | filter | records, each behind its size as a varint, packed by zstd
//
// The header is 64 bytes, numbers are little-endian:
//   0 magic            16 packed size      32 oldest wall time, us (64 bits)
//   4 CRC of the rest  20 CRC of packed    40 newest wall time, us (64 bits)
//     of the header    24 filter size      48 least reference (64 bits)
//   8 records          28 CRC of filter    56 greatest reference; 0: none
//  12 raw size
//
// Each part has a CRC of its own: whose header is whole can be passed over,
// whatever became of the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "policy/record_keys.h"
#include "rules/ip_address.h"

namespace gate::policy {

inline constexpr size_t kBlockBytes = size_t{64} << 10;  // of records
inline constexpr size_t kBlockHeaderBytes = 64;
inline constexpr std::string_view kBlockMagic = "GMJ1";
inline constexpr size_t kMaxRecordInBlock = size_t{64} << 10;
inline constexpr size_t kMaxBlockRecords = 65'536;
// Filter, records, and packed records of one block: more is damage. A block is
// full with less than kBlockBytes and one record.
inline constexpr size_t kMaxBlockPart = 4 * kBlockBytes;
static_assert(kMaxBlockPart > kBlockBytes + kMaxRecordInBlock);

struct BlockHeader {
  uint32_t records = 0;
  uint32_t raw_size = 0;
  uint32_t packed_size = 0;
  uint32_t packed_crc = 0;
  uint32_t filter_size = 0;
  uint32_t filter_crc = 0;
  int64_t oldest_us = 0;
  int64_t newest_us = 0;
  uint64_t least_reference = 0;
  uint64_t greatest_reference = 0;

  size_t size() const {  // of the whole block
    return kBlockHeaderBytes + size_t{filter_size} + packed_size;
  }
};

// What a block's filter knows: each key as one number.
uint64_t AddressKey(const rules::IpAddress& address);
uint64_t NetworkKey(const rules::IpAddress& address);  // its /24 or /64
uint64_t QueueIdKey(std::string_view queue_id);

// A Bloom filter (Bloom 1970) of 8 bits a key: one in forty answers is a false
// yes. An empty filter holds nothing.
std::string MakeFilter(const absl::flat_hash_set<uint64_t>& keys);
bool MayHold(std::string_view filter, uint64_t key);

// Collects records, and packs them. Memory is kept. Thread-compatible.
class BlockBuilder {
 public:
  BlockBuilder();
  ~BlockBuilder();

  // Requires: not full; at most kMaxRecordInBlock.
  void Add(const RecordKeys& keys, std::string_view record);
  bool empty() const { return header_.records == 0; }
  bool full() const { return raw_.size() >= kBlockBytes; }
  size_t records() const { return header_.records; }
  int64_t newest_us() const { return header_.newest_us; }
  // The block; nothing is collected afterwards. Valid until the next Pack.
  std::string_view Pack();

 private:
  struct Packer;

  BlockHeader header_;
  std::string raw_;
  absl::flat_hash_set<uint64_t> keys_;
  std::string block_;
  std::unique_ptr<Packer> packer_;
};

// Of the bytes at the begin of a block. Empty: they are too few, are none, or
// are damaged.
std::optional<BlockHeader> ReadBlockHeader(std::string_view bytes);
// False: damaged, whether the block holds what somebody looks for is not known.
bool IsWholeFilter(const BlockHeader& header, std::string_view filter);

// The records of a block, in order; views into `raw`. False: damaged.
bool UnpackBlock(const BlockHeader& header, std::string_view packed,
                 std::string& raw, std::vector<std::string_view>& records);

}  // namespace gate::policy
