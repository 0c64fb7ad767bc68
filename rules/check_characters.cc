#include "rules/check_characters.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "absl/strings/str_format.h"

namespace gate::rules {

bool CheckCharacters(const Sources& sources, FileId file,
                     Diagnostics& diagnostics) {
  const std::string_view text = sources.file(file).text();
  uint32_t offset = 0;
  while (offset < text.size()) {
    const auto byte = static_cast<uint8_t>(text[offset]);
    const auto size =
        static_cast<uint32_t>(Utf8CharacterSize(text.substr(offset)));
    const SourceRange range{file, offset, offset + std::max(size, 1U)};
    if (size == 0) {
      diagnostics
          .Error(DiagnosticId::kInvalidUtf8, range,
                 absl::StrFormat("byte 0x%02x is no UTF-8", byte))
          .help = "save the file as UTF-8";
      return false;
    }
    const bool line_end =
        byte == '\r' && offset + 1 < text.size() && text[offset + 1] == '\n';
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && !line_end) ||
        byte == 0x7f) {
      diagnostics.Error(
          DiagnosticId::kControlCharacter, range,
          absl::StrFormat("control character 0x%02x in the text", byte));
      return false;
    }
    offset += size;
  }
  return true;
}

}  // namespace gate::rules
