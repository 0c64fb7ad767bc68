#include "rules/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <span>

namespace gate::rules {
namespace {

constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0,    0,
                                             0, 0, 0, 0, 0xff, 0xff};
constexpr uint8_t kMappedBits = 96;

void AppendNumber(uint32_t number, int base, std::string& out) {
  char buffer[10];
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), number, base).ptr;
  out.append(buffer, end);
}

// First group and length of the longest run of two or more zero groups, the
// first of equals (RFC 5952 4.2); length 0: none.
struct ZeroRun {
  size_t begin = 0;
  size_t length = 0;
};
ZeroRun LongestZeroRun(const std::array<uint16_t, 8>& groups) {
  ZeroRun best;
  for (size_t i = 0; i < groups.size();) {
    size_t end = i;
    while (end < groups.size() && groups[end] == 0) ++end;
    if (end - i >= 2 && end - i > best.length) best = {i, end - i};
    i = std::max(end, i + 1);
  }
  return best;
}

void AppendV4(std::span<const uint8_t, 4> bytes, std::string& out) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0) out += '.';
    AppendNumber(bytes[i], 10, out);
  }
}

void AppendV6(const std::array<uint8_t, 16>& bytes, std::string& out) {
  std::array<uint16_t, 8> groups;
  for (size_t i = 0; i < groups.size(); ++i) {
    groups[i] = static_cast<uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  }
  const ZeroRun run = LongestZeroRun(groups);
  for (size_t i = 0; i < groups.size(); ++i) {
    if (run.length > 0 && i == run.begin) {
      out += "::";
      i += run.length - 1;
      continue;
    }
    if (i > 0 && i != run.begin + run.length) out += ':';
    AppendNumber(groups[i], 16, out);
  }
}

std::array<uint8_t, 16> ClearHostBits(std::array<uint8_t, 16> bytes,
                                      unsigned length) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const unsigned first = static_cast<unsigned>(i) * 8;
    if (first >= length) {
      bytes[i] = 0;
    } else if (length - first < 8) {
      bytes[i] &= static_cast<uint8_t>(0xff << (8 - (length - first)));
    }
  }
  return bytes;
}

// Bits of a whole address of the family.
constexpr uint8_t FamilyBits(bool is_v4) { return is_v4 ? 32 : 128; }

// "0" to "128", no sign, no leading zeros.
std::optional<uint8_t> ParseLength(std::string_view text) {
  uint8_t length = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  if (text.size() > 1 && text.front() == '0') return {};
  if (length > 128) return {};
  return length;
}

}  // namespace

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  // inet_pton wants a terminated string; it takes no zone id, no leading
  // zeros in a dotted quad and no blanks.
  char buffer[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof(buffer)) return {};
  if (text.find('\0') != std::string_view::npos) return {};
  buffer[text.copy(buffer, text.size())] = '\0';
  if (in_addr v4; inet_pton(AF_INET, buffer, &v4) == 1) {
    return FromV4(ntohl(v4.s_addr));
  }
  IpAddress address;
  if (inet_pton(AF_INET6, buffer, address.bytes_.data()) != 1) return {};
  return address;
}

IpAddress IpAddress::FromV4(uint32_t host_order) {
  IpAddress address;
  std::copy(kMapped.begin(), kMapped.end(), address.bytes_.begin());
  for (size_t i = 0; i < 4; ++i) {
    address.bytes_[12 + i] = static_cast<uint8_t>(host_order >> (24 - 8 * i));
  }
  return address;
}

IpAddress IpAddress::FromBytes(const std::array<uint8_t, 16>& bytes) {
  IpAddress address;
  address.bytes_ = bytes;
  return address;
}

bool IpAddress::is_v4() const {
  return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin());
}

void IpAddress::AppendTo(std::string& out) const {
  if (is_v4()) {
    AppendV4(std::span(bytes_).last<4>(), out);
  } else {
    AppendV6(bytes_, out);
  }
}

std::string IpAddress::ToString() const {
  std::string text;
  AppendTo(text);
  return text;
}

IpPrefix::IpPrefix(const IpAddress& address, uint8_t length) : length_(length) {
  const bool is_v4 = address.is_v4();
  assert(length <= FamilyBits(is_v4));
  base_ = IpAddress::FromBytes(
      ClearHostBits(address.bytes(), is_v4 ? kMappedBits + length : length));
}

std::optional<IpPrefix> IpPrefix::Parse(std::string_view text,
                                        bool* host_bits) {
  const size_t slash = text.find('/');
  const std::string_view address_text = text.substr(0, slash);
  const auto address = IpAddress::Parse(address_text);
  if (!address) return {};
  uint8_t length = FamilyBits(address->is_v4());
  if (slash != std::string_view::npos) {
    const auto parsed = ParseLength(text.substr(slash + 1));
    if (!parsed) return {};
    length = *parsed;
    const bool mapped =
        address->is_v4() && address_text.find(':') != std::string_view::npos;
    if (mapped && length < kMappedBits) return {};
    if (mapped) length = static_cast<uint8_t>(length - kMappedBits);
    if (length > FamilyBits(address->is_v4())) return {};
  }
  const IpPrefix prefix(*address, length);
  if (host_bits != nullptr) *host_bits = prefix.base() != *address;
  return prefix;
}

bool IpPrefix::Contains(const IpAddress& address) const {
  if (address.is_v4() != is_v4()) return false;
  return IpPrefix(address, length_).base_ == base_;
}

bool IpPrefix::Contains(const IpPrefix& network) const {
  return network.length_ >= length_ && Contains(network.base_);
}

void IpPrefix::AppendTo(std::string& out) const {
  base_.AppendTo(out);
  if (length_ == FamilyBits(is_v4())) return;
  out += '/';
  AppendNumber(length_, 10, out);
}

std::string IpPrefix::ToString() const {
  std::string text;
  AppendTo(text);
  return text;
}

IpPrefix ClientNetwork(const IpAddress& address) {
  return IpPrefix(address, address.is_v4() ? 32 : 64);
}

}  // namespace gate::rules
