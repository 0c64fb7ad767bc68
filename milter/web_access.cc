#include "milter/web_access.h"

#include <algorithm>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"

namespace gate::milter {
namespace {

constexpr size_t kFreeTries = 5;
constexpr std::chrono::seconds kLongestWait{60};
// After so long a network's wrong passwords are forgotten.
constexpr std::chrono::minutes kMemory{10};
constexpr size_t kMaxNetworks = 4096;
constexpr std::string_view kBasic = "Basic ";

// Debian's Abseil has a string_view of its own.
absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

// Without the port and the brackets of an IPv6 address; empty: malformed.
std::string_view NameOf(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return {};
    const std::string_view rest = host.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':')) return {};
    return host.substr(1, end - 1);
  }
  return host.substr(0, host.find(':'));
}

// The password of "Basic dXNlcjpwYXNz"; nothing: another scheme, or malformed.
std::optional<std::string> PasswordOf(std::string_view authorization) {
  if (!absl::StartsWithIgnoreCase(View(authorization), View(kBasic))) {
    return std::nullopt;
  }
  authorization.remove_prefix(kBasic.size());
  std::string pair;
  if (!absl::Base64Unescape(View(authorization), &pair)) return std::nullopt;
  const size_t colon = pair.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return pair.substr(colon + 1);
}

}  // namespace

bool IsLoopback(const rules::IpAddress& address) {
  const auto& bytes = address.bytes();
  if (address.is_v4()) return bytes[12] == 127;
  return address == *rules::IpAddress::Parse("::1");
}

bool IsOwnHost(std::string_view host, std::string_view own) {
  const std::string_view name = NameOf(host);
  if (absl::EqualsIgnoreCase(View(name), "localhost") ||
      absl::EndsWithIgnoreCase(View(name), ".localhost")) {  // RFC 6761, 6.3
    return true;
  }
  const auto address = rules::IpAddress::Parse(name);
  if (!address.has_value()) return false;
  return IsLoopback(*address) || *address == rules::IpAddress::Parse(own);
}

bool SamePassword(std::string_view given, std::string_view expected) {
  unsigned difference = given.size() == expected.size() ? 0 : 1;
  for (size_t i = 0; i < given.size() && !expected.empty(); ++i) {
    difference |= static_cast<unsigned char>(given[i]) ^
                  static_cast<unsigned char>(expected[i % expected.size()]);
  }
  return difference == 0;
}

WebAccess::Answer WebAccess::Check(std::string_view authorization,
                                   const rules::IpAddress& client, Time now) {
  if (password_.empty()) return Answer::kGranted;
  const rules::IpAddress network = rules::ClientNetwork(client).base();
  const auto wrong = wrong_.find(network);
  if (wrong != wrong_.end() && now < wrong->second.until) {
    return Answer::kTooManyWrong;
  }
  if (authorization.empty()) return Answer::kAsk;
  const std::optional<std::string> given = PasswordOf(authorization);
  // A right one forgives nothing: others may guess from the same network.
  if (given.has_value() && SamePassword(*given, password_)) {
    return Answer::kGranted;
  }
  NoteWrong(network, now);
  return Answer::kAsk;
}

void WebAccess::NoteWrong(const rules::IpAddress& network, Time now) {
  std::erase_if(wrong_, [now](const auto& entry) {
    return now > entry.second.until + kMemory;
  });
  // Whoever has that many networks must not fill the memory with them.
  if (wrong_.size() >= kMaxNetworks) wrong_.erase(wrong_.begin());
  Wrong& wrong = wrong_[network];
  ++wrong.times;
  wrong.until = now;
  if (wrong.times < kFreeTries) return;
  const size_t doublings = std::min<size_t>(wrong.times - kFreeTries, 6);
  wrong.until += std::min(std::chrono::seconds(1LL << doublings), kLongestWait);
}

std::chrono::seconds WebAccess::Wait(const rules::IpAddress& client,
                                     Time now) const {
  const auto wrong = wrong_.find(rules::ClientNetwork(client).base());
  if (wrong == wrong_.end()) return std::chrono::seconds(1);
  return std::max(
      std::chrono::seconds(1),
      std::chrono::ceil<std::chrono::seconds>(wrong->second.until - now));
}

}  // namespace gate::milter
