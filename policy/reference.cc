#include "policy/reference.h"

#include <algorithm>
#include <cassert>

namespace gate::policy {
namespace {

constexpr std::string_view kSymbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr unsigned kSymbolBits = 5;
constexpr size_t kSymbolCount = 8;
constexpr size_t kDashAt = 4;  // symbols before the dash
constexpr unsigned kNodeBits = 4;
constexpr unsigned kTickBits = 36;
constexpr uint64_t kTicks = uint64_t{1} << kTickBits;
static_assert(kTickBits + kNodeBits == kSymbolCount * kSymbolBits);
static_assert(kReferenceNodes == 1U << kNodeBits);

// The symbol's value; npos: it is none.
size_t ValueOf(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (c == 'O') c = '0';
  if (c == 'I' || c == 'L') c = '1';
  return kSymbols.find(c);
}

// Without the brackets of a reply, or blanks, around it.
std::string_view Bare(std::string_view text) {
  constexpr std::string_view kAround = " \t\r\n[]";
  const size_t begin = text.find_first_not_of(kAround);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kAround) - begin + 1);
}

uint64_t TickAt(int64_t wall_us) {
  constexpr uint64_t kSecond = 1'000'000;
  const auto us = static_cast<uint64_t>(std::max(wall_us, int64_t{0}));
  return us / kSecond * kReferenceTicksPerSecond +
         us % kSecond * kReferenceTicksPerSecond / kSecond;
}

}  // namespace

std::string FormatReference(uint64_t reference) {
  assert(reference >> (kSymbolCount * kSymbolBits) == 0);
  std::string text;
  for (size_t i = 0; i < kSymbolCount; ++i) {
    if (i == kDashAt) text += '-';
    const size_t shift = (kSymbolCount - 1 - i) * kSymbolBits;
    text += kSymbols[(reference >> shift) % kSymbols.size()];
  }
  return text;
}

std::optional<uint64_t> ParseReference(std::string_view text) {
  text = Bare(text);
  uint64_t reference = 0;
  size_t symbols = 0;
  for (const char c : text) {
    if (c == '-' && symbols == kDashAt) continue;
    const size_t value = ValueOf(c);
    if (value == std::string_view::npos || symbols == kSymbolCount) {
      return std::nullopt;
    }
    reference = reference << kSymbolBits | value;
    ++symbols;
  }
  if (symbols != kSymbolCount || reference == 0) return std::nullopt;
  return reference;
}

uint32_t NodeOfHost(std::string_view host) {
  uint32_t hash = 0x811c9dc5;  // FNV-1a
  for (const char c : host) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193;
  }
  return (hash ^ hash >> 16) % kReferenceNodes;
}

uint64_t LaterReference(uint64_t one, uint64_t other) {
  if (one == 0) return other;
  if (other == 0) return one;
  const uint64_t ahead = ((other >> kNodeBits) - (one >> kNodeBits)) % kTicks;
  return ahead < kTicks / 2 ? other : one;
}

uint64_t TickAfter(uint64_t reference, int64_t wall_us) {
  if (reference == 0) return 0;
  const uint64_t now = TickAt(wall_us);
  const uint64_t ahead = ((reference >> kNodeBits) - now) % kTicks;
  const bool to_come = ahead < kTicks / 2;
  return (to_come ? now + ahead : now - (kTicks - ahead)) + 1 + kLostTicks;
}

uint64_t References::Make(int64_t wall_us) {
  const uint64_t now = TickAt(wall_us);
  uint64_t next = next_.load(std::memory_order_relaxed);
  uint64_t tick = 0;
  do {
    tick = std::max(now, next);
    if (tick % kTicks == 0 && node_ == 0) ++tick;
  } while (
      !next_.compare_exchange_weak(next, tick + 1, std::memory_order_relaxed));
  return tick % kTicks << kNodeBits | node_;
}

}  // namespace gate::policy
