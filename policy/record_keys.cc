#include "policy/record_keys.h"

#include <algorithm>
#include <array>

#include "rules/facts.h"

namespace gate::policy {
namespace {

using rules::FactId;

// One field of a message in Protobuf's wire format
// (https://protobuf.dev/programming-guides/encoding/).
struct WireField {
  uint32_t number = 0;
  uint64_t value = 0;      // of a varint
  std::string_view bytes;  // of what has a length
};

class WireReader {
 public:
  explicit WireReader(std::string_view message) : rest_(message) {}

  bool failed() const { return failed_; }

  // False at the end, and when the rest is no message.
  bool Next(WireField& field) {
    if (rest_.empty() || failed_) return false;
    const uint64_t tag = Varint();
    field = {};
    field.number = static_cast<uint32_t>(tag >> 3);
    switch (tag & 7) {
      case 0:
        field.value = Varint();
        break;
      case 1:
        Take(8);
        break;
      case 2:
        field.bytes = Take(Varint());
        break;
      case 5:
        Take(4);
        break;
      default:
        failed_ = true;
    }
    return !failed_;
  }

 private:
  uint64_t Varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }
  std::string_view Take(uint64_t size) {
    failed_ = failed_ || size > rest_.size();
    if (failed_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool failed_ = false;
};

std::optional<rules::IpAddress> AddressOf(std::string_view bytes) {
  std::array<uint8_t, 16> address{};
  if (bytes.size() == 4) {
    address[10] = address[11] = 0xff;
    std::copy(bytes.begin(), bytes.end(), address.begin() + 12);
  } else if (bytes.size() == address.size()) {
    std::copy(bytes.begin(), bytes.end(), address.begin());
  } else {
    return std::nullopt;
  }
  return rules::IpAddress::FromBytes(address);
}

// False: the fact is no message.
bool ReadFact(std::string_view fact, RecordKeys& keys) {
  constexpr auto kClient = 1 + static_cast<uint64_t>(FactId::kClientIp);
  constexpr auto kQueueId = 1 + static_cast<uint64_t>(FactId::kQueueId);
  WireReader reader(fact);
  WireField field;
  uint64_t id = 0;
  while (reader.Next(field)) {
    if (field.number == 1) id = field.value;
    if (field.number == 2 && id == kQueueId) keys.queue_id = field.bytes;
    if (field.number == 4 && id == kClient)
      keys.client = AddressOf(field.bytes);
  }
  return !reader.failed();
}

}  // namespace

std::optional<RecordKeys> ReadKeys(std::string_view record) {
  RecordKeys keys;
  WireReader reader(record);
  WireField field;
  while (reader.Next(field)) {
    if (field.number == 1) keys.wall_us = static_cast<int64_t>(field.value);
    if (field.number == 2) keys.reference = field.value;
    if (field.number == 11 && !ReadFact(field.bytes, keys)) return std::nullopt;
  }
  if (reader.failed()) return std::nullopt;
  return keys;
}

}  // namespace gate::policy
