// The files of the page, as they stand in milter/page/ (and Debian's Chart.js):
// embedded in the binary by web_page.S.
#pragma once

#include <string>
#include <string_view>

namespace gate::milter {

struct PageFile {
  std::string_view path;  // "/app.js"
  std::string_view type;
  std::string_view bytes;
  std::string etag;  // of the bytes, in quotes
};

// Nothing: there is no such file.
const PageFile* FindPageFile(std::string_view path);

}  // namespace gate::milter
