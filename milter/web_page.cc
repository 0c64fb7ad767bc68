#include "milter/web_page.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_format.h"

// The assembler's names (web_page.S).
extern "C" {
#define GATE_PAGE_FILE(name, path, type, file) \
  extern const char gate_page_##name[];        \
  extern const char gate_page_##name##_end[];
#include "milter/web_page_files.inc"
#undef GATE_PAGE_FILE
}

namespace gate::milter {
namespace {

// FNV-1a: says only whether a browser has these very bytes.
uint64_t Hash(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  return hash;
}

PageFile File(std::string_view path, std::string_view type, const char* begin,
              const char* end) {
  const std::string_view bytes(begin, static_cast<size_t>(end - begin));
  return {path, type, bytes, absl::StrFormat("\"%016x\"", Hash(bytes))};
}

const std::vector<PageFile>& Files() {
#define GATE_PAGE_FILE(name, path, type, file) \
  File(path, type, gate_page_##name, gate_page_##name##_end),
  static const auto* const kFiles = new std::vector<PageFile>{
#include "milter/web_page_files.inc"
  };
#undef GATE_PAGE_FILE
  return *kFiles;
}

}  // namespace

const PageFile* FindPageFile(std::string_view path) {
  const auto& files = Files();
  const auto found = std::ranges::find(files, path, &PageFile::path);
  return found == files.end() ? nullptr : &*found;
}

}  // namespace gate::milter
