#include "milter/web_page.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/str_format.h"

// The assembler's names (web_page.S).
extern "C" {
extern const char gate_page_app_css[];
extern const char gate_page_app_css_end[];
extern const char gate_page_app_js[];
extern const char gate_page_app_js_end[];
extern const char gate_page_chart_js[];
extern const char gate_page_chart_js_end[];
extern const char gate_page_favicon_svg[];
extern const char gate_page_favicon_svg_end[];
extern const char gate_page_index_html[];
extern const char gate_page_index_html_end[];
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

const std::array<PageFile, 5>& Files() {
  static const auto* const kFiles = new std::array<PageFile, 5>{
      File("/", "text/html; charset=utf-8", gate_page_index_html,
           gate_page_index_html_end),
      File("/app.css", "text/css; charset=utf-8", gate_page_app_css,
           gate_page_app_css_end),
      File("/app.js", "text/javascript; charset=utf-8", gate_page_app_js,
           gate_page_app_js_end),
      File("/chart.js", "text/javascript; charset=utf-8", gate_page_chart_js,
           gate_page_chart_js_end),
      File("/favicon.svg", "image/svg+xml", gate_page_favicon_svg,
           gate_page_favicon_svg_end)};
  return *kFiles;
}

}  // namespace

const PageFile* FindPageFile(std::string_view path) {
  const auto& files = Files();
  const auto found = std::ranges::find(files, path, &PageFile::path);
  return found == files.end() ? nullptr : &*found;
}

}  // namespace gate::milter
