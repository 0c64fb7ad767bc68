#include "rules/network_set.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <limits>
#include <tuple>
#include <vector>

#include "absl/numeric/int128.h"

namespace gate::rules {
namespace {

// Prefixes of one family: sorted, none inside another. `Key` is an address as
// a number.
template <class Key>
class PrefixArray {
 public:
  struct Prefix {
    Key first;
    uint8_t length;
    uint32_t line;
  };

  explicit PrefixArray(std::vector<Prefix> prefixes) {
    // A prefix sorts directly before those inside it.
    std::sort(prefixes.begin(), prefixes.end(),
              [](const Prefix& a, const Prefix& b) {
                return std::tie(a.first, a.length, a.line) <
                       std::tie(b.first, b.length, b.line);
              });
    for (const Prefix& prefix : prefixes) {
      if (Find(prefix.first, prefix.length)) continue;
      firsts_.push_back(prefix.first);
      lengths_.push_back(prefix.length);
      lines_.push_back(prefix.line);
    }
    firsts_.shrink_to_fit();
    lengths_.shrink_to_fit();
    lines_.shrink_to_fit();
    if (firsts_.size() > kIndexFrom) BuildIndex();
  }

  // The line of the prefix that holds the `length` first bits of `address`.
  std::optional<uint32_t> Find(Key address, uint8_t length) const {
    auto begin = firsts_.begin();
    auto end = firsts_.end();
    if (!index_.empty()) {
      const auto top = static_cast<size_t>(address >> kTopShift);
      begin = firsts_.begin() + index_[top];
      end = firsts_.begin() + index_[top + 1];
    }
    const auto next = std::upper_bound(begin, end, address);
    if (next == firsts_.begin()) return std::nullopt;
    const auto at = static_cast<size_t>(next - firsts_.begin()) - 1;
    const bool holds =
        lengths_[at] <= length && (address & Mask(lengths_[at])) == firsts_[at];
    return holds ? std::optional(lines_[at]) : std::nullopt;
  }

 private:
  static constexpr unsigned kBits = std::numeric_limits<Key>::digits;
  static constexpr unsigned kTopShift = kBits - 16;
  // Below, the index (256 KB) would cost more than the few steps it saves.
  static constexpr size_t kIndexFrom = 1024;

  static Key Mask(uint8_t length) {
    return length == 0 ? Key{0} : static_cast<Key>(~Key{0} << (kBits - length));
  }

  // index_[t]: how many prefixes begin before the addresses with top 16 bits
  // t. Those that hold an address begin in its bucket or are the last before.
  void BuildIndex() {
    std::vector<uint32_t> index((size_t{1} << 16) + 1);
    for (const Key& first : firsts_) {
      ++index[static_cast<size_t>(first >> kTopShift) + 1];
    }
    for (size_t i = 1; i < index.size(); ++i) index[i] += index[i - 1];
    index_ = std::move(index);
  }

  std::vector<Key> firsts_;
  std::vector<uint8_t> lengths_;
  std::vector<uint32_t> lines_;
  std::vector<uint32_t> index_;  // empty: too few
};

using V4 = PrefixArray<uint32_t>;
using V6 = PrefixArray<absl::uint128>;

uint32_t V4Key(const IpAddress& address) {
  uint32_t key = 0;
  for (size_t i = 12; i < 16; ++i) key = key << 8 | address.bytes()[i];
  return key;
}

absl::uint128 V6Key(const IpAddress& address) {
  absl::uint128 key = 0;
  for (const uint8_t byte : address.bytes()) key = key << 8 | byte;
  return key;
}

}  // namespace

struct NetworkSet::Index {
  V4 v4;
  V6 v6;
  size_t size;
};

NetworkSet::NetworkSet() = default;
NetworkSet::NetworkSet(NetworkSet&&) noexcept = default;
NetworkSet& NetworkSet::operator=(NetworkSet&&) noexcept = default;
NetworkSet::~NetworkSet() = default;

NetworkSet::NetworkSet(std::span<const IpPrefix> prefixes,
                       std::span<const uint32_t> lines) {
  assert(lines.empty() || lines.size() == prefixes.size());
  std::vector<V4::Prefix> v4;
  std::vector<V6::Prefix> v6;
  for (size_t i = 0; i < prefixes.size(); ++i) {
    const IpAddress& base = prefixes[i].base();
    const uint8_t length = prefixes[i].length();
    const uint32_t line = lines.empty() ? 0 : lines[i];
    if (prefixes[i].is_v4()) {
      v4.push_back({V4Key(base), length, line});
    } else {
      v6.push_back({V6Key(base), length, line});
    }
  }
  index_ = std::make_unique<const Index>(
      Index{V4(std::move(v4)), V6(std::move(v6)), prefixes.size()});
}

bool NetworkSet::Contains(const IpAddress& address) const {
  return Contains(IpPrefix(address, address.is_v4() ? 32 : 128));
}

std::optional<uint32_t> NetworkSet::Find(const IpPrefix& network) const {
  if (index_ == nullptr) return std::nullopt;
  const IpAddress& base = network.base();
  return network.is_v4() ? index_->v4.Find(V4Key(base), network.length())
                         : index_->v6.Find(V6Key(base), network.length());
}

size_t NetworkSet::size() const { return index_ == nullptr ? 0 : index_->size; }

}  // namespace gate::rules
