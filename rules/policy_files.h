// The files that make up one policy: the main file with its includes spliced
// in, and the statements of the command line.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/file_reader.h"
#include "rules/source.h"

namespace gate::rules {

// FNV-1a, 64 bits: tells texts apart that nobody forges.
class TextHash {
 public:
  void Add(std::string_view text);
  uint64_t value() const { return value_; }
  std::string ToHex() const;

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

// Used once, by one thread. Collaborators outlive it.
class PolicyFiles {
 public:
  PolicyFiles(FileReader& reader, Sources& sources, Diagnostics& diagnostics);

  // The tree of `path` and its includes. Faults go to the diagnostics.
  ast::Tree Load(const std::string& path);
  // Each text is the rest of a `set` statement and replaces those of the same
  // key; faults name them `--set 1`, `--set 2`, ...
  void Override(std::span<const std::string> texts, ast::Tree& tree);
  // Adds a file to the sources without parsing it. False, and a fault at
  // `place`, when it cannot be read.
  bool Read(const std::string& path, const SourceRange& place, FileId& file);

  // Every file read so far, as it was opened.
  std::vector<std::string>& files() { return files_; }
  TextHash& hash() { return hash_; }

 private:
  struct Open {
    std::string path;
    const ast::Include* include;  // null: the main file
  };

  void Splice(ast::Tree from, std::vector<ast::Statement>& to);
  void Include(const ast::Include& include, std::vector<ast::Statement>& to);
  void IncludeFile(const std::string& path, const ast::Include& include,
                   std::vector<ast::Statement>& to);
  bool MayInclude(const std::string& path, const ast::Include& include);
  void NoteChain(Diagnostic& fault) const;
  void OverrideOne(const std::string& name, const std::string& text,
                   ast::Tree& tree);

  FileReader& reader_;
  Sources& sources_;
  Diagnostics& diagnostics_;
  std::vector<std::string> files_;
  std::vector<Open> open_;  // from the main file to the current one
  TextHash hash_;
};

}  // namespace gate::rules
