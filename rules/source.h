// Texts that the rules language is read from, and places in them.
//
// A place is a byte offset; line and column are computed only to print
// (style S27). Not for reading files: load.cc does that.
// Order of calls: Sources::Add for each text, then ranges point into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace gate::rules {

// The bytes of the well-formed UTF-8 character (RFC 3629) that `text` begins
// with; 0 when there is none.
size_t Utf8CharacterSize(std::string_view text);

// Whether a character may be shown as it is: it ends no line, does not act on
// terminals, and does not reorder what stands beside it. Requires: one
// well-formed character.
bool IsHarmless(std::string_view character);

// Index of a text in Sources.
struct FileId {
  uint32_t value = 0;
  friend bool operator==(FileId, FileId) = default;
};

// Half-open range of bytes [begin, end) of one text.
struct SourceRange {
  FileId file;
  uint32_t begin = 0;
  uint32_t end = 0;
  friend bool operator==(const SourceRange&, const SourceRange&) = default;
};

// The bytes [begin, end) of what stands at `range`.
SourceRange SubRange(const SourceRange& range, size_t begin, size_t end);

// 1-based line and column (in Unicode code points), for people.
struct LineColumn {
  uint32_t line = 1;
  uint32_t column = 1;
};

// One text with its name as the administrator knows it.
// Immutable after construction.
class SourceFile {
 public:
  SourceFile(std::string name, std::string text);

  const std::string& name() const { return name_; }
  std::string_view text() const { return text_; }
  // An offset behind the last byte gives the place behind the last byte.
  LineColumn Locate(uint32_t offset) const;
  // The line (1-based) without its newline; empty when there is no such line.
  std::string_view Line(uint32_t line) const;

 private:
  std::string name_;
  std::string text_;
  std::vector<uint32_t> line_starts_;
};

// All texts of one run of the phases. Thread-compatible. References that
// file() returns stay valid while Sources lives.
class Sources {
 public:
  FileId Add(std::string name, std::string text);
  const SourceFile& file(FileId id) const { return files_[id.value]; }
  std::string_view Text(const SourceRange& range) const;
  // "file:line:col" of the range's begin.
  std::string Describe(const SourceRange& range) const;

 private:
  std::deque<SourceFile> files_;
};

}  // namespace gate::rules
