#include "rules/source.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace gate::rules {
namespace {

// What the first byte promises: size, smallest second byte, largest second
// byte (RFC 3629 section 4); size 0 for bytes that begin no character.
struct Lead {
  size_t size;
  uint8_t low;
  uint8_t high;
};

Lead LeadOf(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte >= 0xc2 && byte <= 0xdf) return {2, 0x80, 0xbf};
  if (byte == 0xe0) return {3, 0xa0, 0xbf};
  if (byte == 0xed) return {3, 0x80, 0x9f};
  if (byte >= 0xe1 && byte <= 0xef) return {3, 0x80, 0xbf};
  if (byte == 0xf0) return {4, 0x90, 0xbf};
  if (byte >= 0xf1 && byte <= 0xf3) return {4, 0x80, 0xbf};
  if (byte == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

// The code point of one well-formed UTF-8 character.
uint32_t CodePoint(std::string_view character) {
  const auto lead = static_cast<uint8_t>(character[0]);
  if (character.size() == 1) return lead;
  uint32_t code = lead & (0xffu >> (character.size() + 1));
  for (const char c : character.substr(1)) {
    code = code << 6 | (static_cast<uint8_t>(c) & 0x3f);
  }
  return code;
}

}  // namespace

size_t Utf8CharacterSize(std::string_view text) {
  if (text.empty()) return 0;
  const Lead lead = LeadOf(static_cast<uint8_t>(text[0]));
  if (lead.size > text.size()) return 0;
  for (size_t i = 1; i < lead.size; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const uint8_t low = i == 1 ? lead.low : uint8_t{0x80};
    const uint8_t high = i == 1 ? lead.high : uint8_t{0xbf};
    if (byte < low || byte > high) return 0;
  }
  return lead.size;
}

bool IsHarmless(std::string_view character) {
  const uint32_t code = CodePoint(character);
  const bool harmful = code < 0x20 || (code >= 0x7f && code < 0xa0) ||
                       (code >= 0x200b && code <= 0x200f) ||
                       (code >= 0x2028 && code <= 0x202e) ||
                       (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
  return !harmful;
}

SourceRange SubRange(const SourceRange& range, size_t begin, size_t end) {
  return {range.file, range.begin + static_cast<uint32_t>(begin),
          range.begin + static_cast<uint32_t>(end)};
}

SourceFile::SourceFile(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)), line_starts_{0} {
  for (size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(static_cast<uint32_t>(i + 1));
  }
}

LineColumn SourceFile::Locate(uint32_t offset) const {
  offset = std::min(offset, static_cast<uint32_t>(text_.size()));
  const auto next =
      std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  LineColumn place;
  place.line = static_cast<uint32_t>(next - line_starts_.begin());
  std::string_view before = text();
  before = before.substr(*(next - 1), offset - *(next - 1));
  while (!before.empty()) {
    before.remove_prefix(std::max(Utf8CharacterSize(before), size_t{1}));
    ++place.column;
  }
  return place;
}

std::string_view SourceFile::Line(uint32_t line) const {
  if (line == 0 || line > line_starts_.size()) return {};
  const size_t begin = line_starts_[line - 1];
  std::string_view rest = text();
  rest.remove_prefix(begin);
  rest = rest.substr(0, rest.find('\n'));
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return rest;
}

FileId Sources::Add(std::string name, std::string text) {
  files_.emplace_back(std::move(name), std::move(text));
  return FileId{static_cast<uint32_t>(files_.size() - 1)};
}

std::string_view Sources::Text(const SourceRange& range) const {
  assert(range.begin <= range.end);
  return file(range.file).text().substr(range.begin, range.end - range.begin);
}

std::string Sources::Describe(const SourceRange& range) const {
  const SourceFile& source = file(range.file);
  const LineColumn place = source.Locate(range.begin);
  return source.name() + ":" + std::to_string(place.line) + ":" +
         std::to_string(place.column);
}

}  // namespace gate::rules
