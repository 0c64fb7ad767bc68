// Values: an IP address, and a prefix (network) of addresses.
//
// IPv4-mapped IPv6 addresses (::ffff:192.0.2.1, RFC 4291 2.5.5.2) are the
// IPv4 address: MTAs write one client either way, a rule means one. So the
// two families never meet: 0.0.0.0/0 holds every IPv4 address and nothing
// else, ::/0 every IPv6 address and nothing else.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gate::rules {

// Immutable value. IPv4 is kept in mapped form: bytes 0-9 zero, 10-11 0xff.
class IpAddress {
 public:
  IpAddress() = default;  // ::
  // Dotted quad (no leading zeros) or RFC 4291 2.2 text; nothing else.
  static std::optional<IpAddress> Parse(std::string_view text);
  static IpAddress FromV4(uint32_t host_order);
  static IpAddress FromBytes(const std::array<uint8_t, 16>& bytes);

  bool is_v4() const;
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }
  // Dotted quad, or RFC 5952 text.
  void AppendTo(std::string& out) const;
  std::string ToString() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

// A network. `length` counts in the family's own bits: 0-32 or 0-128.
class IpPrefix {
 public:
  IpPrefix() = default;  // ::/0
  // Requires: length fits the family. Host bits are cleared.
  IpPrefix(const IpAddress& address, uint8_t length);
  // "192.0.2.0/24", "::1" (whole length). ::ffff:192.0.2.0/120 is
  // 192.0.2.0/24; a mapped prefix shorter than /96 is none. Host bits that
  // are set are an error for rules: then `host_bits` is true.
  static std::optional<IpPrefix> Parse(std::string_view text,
                                       bool* host_bits = nullptr);

  const IpAddress& base() const { return base_; }
  uint8_t length() const { return length_; }
  bool is_v4() const { return base_.is_v4(); }
  bool Contains(const IpAddress& address) const;
  // Whether all of `network` is inside.
  bool Contains(const IpPrefix& network) const;
  void AppendTo(std::string& out) const;
  std::string ToString() const;

  friend bool operator==(const IpPrefix&, const IpPrefix&) = default;

 private:
  IpAddress base_;
  uint8_t length_ = 0;
};

// What `client.network` means: the IPv4 address, or the IPv6 /64.
IpPrefix ClientNetwork(const IpAddress& address);

}  // namespace gate::rules
