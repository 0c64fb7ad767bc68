#include "rules/list_file.h"

#include "absl/strings/ascii.h"

namespace gate::rules {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view TrimEnd(std::string_view line) {
  while (!line.empty() && IsBlank(line.back())) line.remove_suffix(1);
  return line;
}

// The part before a `#` that begins the line or follows a blank.
std::string_view WithoutComment(std::string_view line) {
  for (size_t i = line.find('#'); i != std::string_view::npos;
       i = line.find('#', i + 1)) {
    if (i == 0 || IsBlank(line[i - 1])) return line.substr(0, i);
  }
  return line;
}

// The size of the `/re/flags` that `line` begins with; 0: it does not.
size_t PatternSize(std::string_view line) {
  if (!line.starts_with('/')) return 0;
  size_t i = 1;
  while (i < line.size() && line[i] != '/') i += line[i] == '\\' ? 2 : 1;
  if (i >= line.size()) return 0;
  ++i;
  while (i < line.size() &&
         absl::ascii_isalpha(static_cast<unsigned char>(line[i]))) {
    ++i;
  }
  return i;
}

void MakePattern(ListEntry& entry) {
  const size_t close = entry.text.rfind('/');
  entry.kind = ast::Literal::Kind::kRegex;
  entry.flags = entry.text.substr(close + 1);
  entry.text = entry.text.substr(1, close - 1);
}

// `#` is no comment inside a pattern.
ListEntry PatternEntry(std::string_view line) {
  const size_t size = PatternSize(line);
  const std::string_view rest = TrimEnd(line.substr(size));
  ListEntry entry;
  if (size > 0 &&
      WithoutComment(rest).find_first_not_of(" \t") == std::string_view::npos) {
    entry.text = line.substr(0, size);
    MakePattern(entry);
  } else {
    entry.text = TrimEnd(WithoutComment(line));
  }
  return entry;
}

}  // namespace

std::vector<ListEntry> ReadListFile(const Sources& sources, FileId file,
                                    ListType type) {
  const std::string_view text = sources.file(file).text();
  std::vector<ListEntry> entries;
  size_t begin = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  for (uint32_t number = 1; begin < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    while (begin < end && IsBlank(text[begin])) ++begin;
    const std::string_view line = text.substr(begin, end - begin);
    ListEntry entry;
    if (type == ListType::kPatterns) {
      entry = PatternEntry(line);
    } else {
      entry.text = TrimEnd(WithoutComment(line));
    }
    if (!entry.text.empty()) {
      const bool pattern = entry.kind == ast::Literal::Kind::kRegex;
      const size_t size = pattern ? entry.text.size() + entry.flags.size() + 2
                                  : entry.text.size();
      entry.range = {file, static_cast<uint32_t>(begin),
                     static_cast<uint32_t>(begin + size)};
      entry.line = number;
      entries.push_back(entry);
    }
    begin = end + 1;
  }
  return entries;
}

}  // namespace gate::rules
