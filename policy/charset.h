// Character sets of mail to UTF-8, through iconv.
//
// Only the sets that mail uses: iconv loads a module for any name, and names
// come from strangers. UTF-7 is left out on purpose: it hides text.
#pragma once

#include <string>
#include <string_view>

namespace gate::policy {

// Keeps the converter of the last charset. Thread-compatible.
class CharsetDecoder {
 public:
  CharsetDecoder() = default;
  CharsetDecoder(const CharsetDecoder&) = delete;
  CharsetDecoder& operator=(const CharsetDecoder&) = delete;
  ~CharsetDecoder();

  // Makes `charset` (any case) the current one; false when it is not known.
  bool Select(std::string_view charset);
  bool IsSelected(std::string_view charset) const;
  // Appends `bytes` as UTF-8; U+FFFD stands for what the charset does not
  // have. UTF-8 and US-ASCII are passed on unchecked. Requires: Select.
  void Append(std::string_view bytes, std::string& out);

 private:
  void Close();

  std::string charset_;        // current one, folded; empty: none
  void* converter_ = nullptr;  // iconv_t; null: bytes are UTF-8 already
};

}  // namespace gate::policy
