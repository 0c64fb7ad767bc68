#include "rules/domain_name.h"

#include <idn2.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "rules/ascii.h"

namespace gate::rules {
namespace {

constexpr size_t kMaxDomain = 253;
constexpr size_t kMaxLabel = 63;
// No longer text can become a domain: a code point has at most four bytes.
constexpr size_t kMaxIdnInput = 4 * kMaxDomain;

// One final dot is the root of a whole name; more of them are no name.
void DropFinalDot(std::string& name) {
  if (name.size() < 2 || name.back() != '.') return;
  if (name[name.size() - 2] != '.') name.pop_back();
}

// Appends the A-label form of `name`; false when it is no IDN. TR46 maps some
// characters to ones that no name may have, such as '@' and '/': such a name
// is none. (IDN2_USE_STD3_ASCII_RULES would drop them silently.)
bool AppendALabels(std::string_view name, std::string& out) {
  if (name.size() > kMaxIdnInput) return false;
  if (name.find('\0') != std::string_view::npos) return false;
  const std::string terminated(name);
  char* result = nullptr;
  const int code =
      idn2_to_ascii_8z(terminated.c_str(), &result, IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, decltype(&idn2_free)> owner(result, idn2_free);
  if (code != IDN2_OK) return false;
  const std::string_view labels = result;
  if (!std::all_of(labels.begin(), labels.end(), [](char c) {
        return IsAsciiAlnum(c) || c == '-' || c == '.' || c == '_';
      })) {
    return false;
  }
  out += labels;
  return true;
}

bool IsLabel(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabel) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return IsAsciiAlnum(c) || c == '-'; });
}

struct ByteRange {
  uint8_t low = 0x80;
  uint8_t high = 0xbf;
  bool Holds(uint8_t byte) const { return byte >= low && byte <= high; }
};

// What may follow the lead byte (Unicode 15, table 3-7): no second spelling
// of a shorter sequence, no surrogate, nothing above U+10FFFF.
ByteRange SecondBytes(uint8_t lead) {
  switch (lead) {
    case 0xe0:
      return {.low = 0xa0};
    case 0xed:
      return {.high = 0x9f};
    case 0xf0:
      return {.low = 0x90};
    case 0xf4:
      return {.high = 0x8f};
    default:
      return {};
  }
}

// The length of the longest valid UTF-8 sequence at the start of `text`, or,
// negated, of the maximal subpart to be replaced. Requires: not empty.
int SequenceLength(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return lead == 0 ? -1 : 1;
  if (lead < 0xc2 || lead > 0xf4) return -1;
  const int length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  ByteRange range = SecondBytes(lead);
  for (int i = 1; i < length; ++i) {
    const auto at = static_cast<size_t>(i);
    if (at >= text.size() || !range.Holds(static_cast<uint8_t>(text[at]))) {
      return -i;
    }
    range = {};
  }
  return length;
}

// How many bytes at the start of `text` are ASCII other than NUL, or a few
// less: eight at a time.
size_t PlainLength(std::string_view text) {
  constexpr uint64_t kLowBits = 0x0101010101010101;
  constexpr uint64_t kHighBits = kLowBits << 7;
  size_t at = 0;
  for (uint64_t word = 0; text.size() - at >= sizeof word; at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    // A high bit is set in a byte above 0x7f, and, by the borrow, where the
    // first NUL is.
    if (((word | (word - kLowBits)) & kHighBits) != 0) return at;
  }
  while (at < text.size() && static_cast<signed char>(text[at]) > 0) ++at;
  return at;
}

}  // namespace

void NormalizeDomain(std::string_view name, std::string& out) {
  out.clear();
  if (!IsAscii(name)) {
    const bool dotted = name.starts_with('.');
    if (dotted) out = '.';
    if (!AppendALabels(name.substr(dotted ? 1 : 0), out)) out.assign(name);
  } else {
    out.assign(name);
  }
  FoldAscii(out);
  DropFinalDot(out);
}

std::string NormalizeDomain(std::string_view name) {
  std::string out;
  NormalizeDomain(name, out);
  return out;
}

bool IsDomain(std::string_view name) {
  std::string normal;
  if (!IsAscii(name)) {
    NormalizeDomain(name, normal);
    name = normal;
  } else if (name.ends_with('.')) {
    name.remove_suffix(1);
  }
  if (name.size() > kMaxDomain) return false;
  for (;;) {
    const size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (!IsLabel(label)) return false;
    if (dot == std::string_view::npos) {
      return !std::all_of(label.begin(), label.end(), IsAsciiDigit);
    }
    name.remove_prefix(dot + 1);
  }
}

void MakeValidUtf8(std::string_view text, std::string& out) {
  size_t at = PlainLength(text);
  if (at == text.size()) {
    out.assign(text);
    return;
  }
  out.clear();
  size_t begin = 0;  // of what is valid and not yet copied
  while (at < text.size()) {
    const int length = SequenceLength(text.substr(at));
    if (length > 0) {
      at += static_cast<size_t>(length);
      continue;
    }
    out += text.substr(begin, at - begin);
    out += "\xef\xbf\xbd";
    at += static_cast<size_t>(-length);
    begin = at;
  }
  out += text.substr(begin);
}

}  // namespace gate::rules
