#include "policy/journal_block.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace gate::policy {
namespace {

constexpr int kLevel = 1;
constexpr size_t kBitsPerKey = 8;
constexpr int kHashes = 5;

// FNV-1a, then the end of SplitMix64: all bits of the result are good.
uint64_t HashOf(uint8_t kind, std::string_view bytes) {
  uint64_t hash = (0xcbf29ce484222325 ^ kind) * 0x100000001b3;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  }
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

std::string_view BytesOf(const rules::IpAddress& address) {
  return {reinterpret_cast<const char*>(address.bytes().data()),
          address.bytes().size()};
}

// Calls `visit` with each of the bits that a key has in a filter.
template <class Visit>
void ForEachBit(uint64_t key, size_t filter_bytes, Visit visit) {
  const uint64_t step = (key >> 32) | 1;  // Kirsch and Mitzenmacher 2006
  for (int i = 0; i < kHashes; ++i) {
    visit(key % (filter_bytes * 8));
    key += step;
  }
}

uint32_t Crc(std::string_view bytes) {
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()),
            static_cast<uInt>(bytes.size())));
}

template <class Number>
void Put(Number number, size_t at, std::string& out) {
  for (size_t i = 0; i < sizeof number; ++i) {
    out[at + i] = static_cast<char>(static_cast<uint64_t>(number) >> (8 * i));
  }
}

template <class Number>
Number Read(std::string_view bytes, size_t at) {
  uint64_t number = 0;
  for (size_t i = sizeof(Number); i-- > 0;) {
    number = number << 8 | static_cast<uint8_t>(bytes[at + i]);
  }
  return static_cast<Number>(number);
}

void AppendVarint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) {
    out.push_back(static_cast<char>(value | 0x80));
  }
  out.push_back(static_cast<char>(value));
}

// False: there is none.
bool TakeVarint(std::string_view& bytes, uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 35 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// Requires: kBlockHeaderBytes.
uint32_t HeaderCrc(std::string_view block) {
  return Crc(block.substr(8, kBlockHeaderBytes - 8));
}

// Requires: room for it in front of the filter.
void PutHeader(const BlockHeader& header, std::string& block) {
  block.replace(0, kBlockMagic.size(), kBlockMagic);
  Put(header.records, 8, block);
  Put(header.raw_size, 12, block);
  Put(header.packed_size, 16, block);
  Put(header.packed_crc, 20, block);
  Put(header.filter_size, 24, block);
  Put(header.filter_crc, 28, block);
  Put(header.oldest_us, 32, block);
  Put(header.newest_us, 40, block);
  Put(header.least_reference, 48, block);
  Put(header.greatest_reference, 56, block);
  Put(HeaderCrc(block), 4, block);
}

}  // namespace

uint64_t AddressKey(const rules::IpAddress& address) {
  return HashOf(1, BytesOf(address));
}

uint64_t NetworkKey(const rules::IpAddress& address) {
  const rules::IpPrefix network(address, address.is_v4() ? 24 : 64);
  return HashOf(2, BytesOf(network.base()));
}

uint64_t QueueIdKey(std::string_view queue_id) { return HashOf(3, queue_id); }

std::string MakeFilter(const absl::flat_hash_set<uint64_t>& keys) {
  std::string filter(keys.size() * kBitsPerKey / 8, '\0');
  for (const uint64_t key : keys) {
    ForEachBit(key, filter.size(), [&filter](uint64_t bit) {
      char& byte = filter[bit / 8];
      byte = static_cast<char>(static_cast<uint8_t>(byte) | 1U << (bit % 8));
    });
  }
  return filter;
}

bool MayHold(std::string_view filter, uint64_t key) {
  if (filter.empty()) return false;
  bool holds = true;
  ForEachBit(key, filter.size(), [&](uint64_t bit) {
    holds =
        holds && (static_cast<uint8_t>(filter[bit / 8]) >> (bit % 8) & 1) != 0;
  });
  return holds;
}

struct BlockBuilder::Packer {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  Packer() = default;
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;
  ~Packer() { ZSTD_freeCCtx(context); }
};

BlockBuilder::BlockBuilder() : packer_(std::make_unique<Packer>()) {}
BlockBuilder::~BlockBuilder() = default;

void BlockBuilder::Add(const RecordKeys& keys, std::string_view record) {
  if (empty()) {
    header_.oldest_us = header_.newest_us = keys.wall_us;
    header_.least_reference = std::numeric_limits<uint64_t>::max();
  }
  ++header_.records;
  header_.oldest_us = std::min(header_.oldest_us, keys.wall_us);
  header_.newest_us = std::max(header_.newest_us, keys.wall_us);
  if (keys.reference != 0) {
    header_.least_reference = std::min(header_.least_reference, keys.reference);
    header_.greatest_reference =
        std::max(header_.greatest_reference, keys.reference);
  }
  if (keys.client) {
    keys_.insert(AddressKey(*keys.client));
    keys_.insert(NetworkKey(*keys.client));
  }
  if (!keys.queue_id.empty()) keys_.insert(QueueIdKey(keys.queue_id));
  AppendVarint(record.size(), raw_);
  raw_ += record;
}

std::string_view BlockBuilder::Pack() {
  const std::string filter = MakeFilter(keys_);
  if (header_.greatest_reference == 0) header_.least_reference = 0;
  header_.filter_size = static_cast<uint32_t>(filter.size());
  header_.filter_crc = Crc(filter);
  header_.raw_size = static_cast<uint32_t>(raw_.size());
  const size_t packed_at = kBlockHeaderBytes + filter.size();
  block_.resize(packed_at + ZSTD_compressBound(raw_.size()));
  std::copy(filter.begin(), filter.end(), block_.begin() + kBlockHeaderBytes);
  const size_t packed = ZSTD_compressCCtx(
      packer_->context, block_.data() + packed_at, block_.size() - packed_at,
      raw_.data(), raw_.size(), kLevel);
  const size_t size = ZSTD_isError(packed) != 0 ? 0 : packed;
  block_.resize(packed_at + size);
  header_.packed_size = static_cast<uint32_t>(size);
  header_.packed_crc = Crc(std::string_view(block_).substr(packed_at));
  PutHeader(header_, block_);
  header_ = {};
  raw_.clear();
  keys_.clear();
  return block_;
}

std::optional<BlockHeader> ReadBlockHeader(std::string_view bytes) {
  if (bytes.size() < kBlockHeaderBytes || !bytes.starts_with(kBlockMagic) ||
      HeaderCrc(bytes) != Read<uint32_t>(bytes, 4)) {
    return std::nullopt;
  }
  const BlockHeader header{.records = Read<uint32_t>(bytes, 8),
                           .raw_size = Read<uint32_t>(bytes, 12),
                           .packed_size = Read<uint32_t>(bytes, 16),
                           .packed_crc = Read<uint32_t>(bytes, 20),
                           .filter_size = Read<uint32_t>(bytes, 24),
                           .filter_crc = Read<uint32_t>(bytes, 28),
                           .oldest_us = Read<int64_t>(bytes, 32),
                           .newest_us = Read<int64_t>(bytes, 40),
                           .least_reference = Read<uint64_t>(bytes, 48),
                           .greatest_reference = Read<uint64_t>(bytes, 56)};
  if (header.raw_size > kMaxBlockPart || header.packed_size > kMaxBlockPart ||
      header.filter_size > kMaxBlockPart || header.records > kMaxBlockRecords) {
    return std::nullopt;
  }
  return header;
}

bool IsWholeFilter(const BlockHeader& header, std::string_view filter) {
  return filter.size() == header.filter_size &&
         Crc(filter) == header.filter_crc;
}

bool UnpackBlock(const BlockHeader& header, std::string_view packed,
                 std::string& raw, std::vector<std::string_view>& records) {
  records.clear();
  if (packed.size() != header.packed_size || Crc(packed) != header.packed_crc) {
    return false;
  }
  raw.resize(header.raw_size);
  const size_t size =
      ZSTD_decompress(raw.data(), raw.size(), packed.data(), packed.size());
  if (ZSTD_isError(size) != 0 || size != raw.size()) return false;
  std::string_view rest = raw;
  uint64_t record_size = 0;
  while (!rest.empty()) {
    if (!TakeVarint(rest, record_size) || record_size > rest.size()) {
      return false;
    }
    records.push_back(rest.substr(0, record_size));
    rest.remove_prefix(record_size);
  }
  return records.size() == header.records;
}

}  // namespace gate::policy
