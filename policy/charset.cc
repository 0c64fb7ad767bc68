#include "policy/charset.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "rules/ascii.h"

namespace gate::policy {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr size_t kMaxName = 32;

constexpr std::array<std::string_view, 4> kUtf8Names = {"utf-8", "utf8",
                                                        "us-ascii", "ascii"};
constexpr std::array<std::string_view, 5> kFamilies = {
    "iso-8859-", "iso8859-", "windows-125", "cp125", "koi8-"};
constexpr std::array<std::string_view, 14> kNames = {
    "iso-2022-jp", "iso-2022-kr", "shift_jis", "shift-jis", "sjis",
    "euc-jp",      "euc-kr",      "gb2312",    "gbk",       "gb18030",
    "big5",        "euc-tw",      "tis-620",   "macintosh"};

bool IsUtf8(std::string_view folded) {
  return std::find(kUtf8Names.begin(), kUtf8Names.end(), folded) !=
         kUtf8Names.end();
}

// Whether iconv may be asked for it. Nothing but letters, digits, - and _:
// a slash would begin iconv's own options.
bool IsKnown(std::string_view folded) {
  if (!std::all_of(folded.begin(), folded.end(), [](char c) {
        return rules::IsAsciiAlnum(c) || c == '-' || c == '_';
      })) {
    return false;
  }
  return std::find(kNames.begin(), kNames.end(), folded) != kNames.end() ||
         std::any_of(kFamilies.begin(), kFamilies.end(),
                     [&](std::string_view family) {
                       return folded.starts_with(family);
                     });
}

}  // namespace

CharsetDecoder::~CharsetDecoder() { Close(); }

void CharsetDecoder::Close() {
  if (converter_ != nullptr) iconv_close(converter_);
  converter_ = nullptr;
  charset_.clear();
}

bool CharsetDecoder::IsSelected(std::string_view charset) const {
  return !charset_.empty() && rules::EqualFolded(charset, charset_);
}

bool CharsetDecoder::Select(std::string_view charset) {
  if (charset.empty() || charset.size() > kMaxName) return false;
  if (IsSelected(charset)) return true;
  Close();
  std::array<char, kMaxName + 1> name{};
  std::transform(charset.begin(), charset.end(), name.begin(),
                 [](char c) { return rules::FoldAscii(c); });
  const std::string_view folded(name.data(), charset.size());
  if (!IsUtf8(folded)) {
    if (!IsKnown(folded)) return false;
    const iconv_t converter = iconv_open("UTF-8", name.data());
    // NOLINTNEXTLINE(performance-no-int-to-ptr): iconv_open's own error value
    if (converter == reinterpret_cast<iconv_t>(-1)) return false;
    converter_ = converter;
  }
  charset_ = folded;
  return true;
}

void CharsetDecoder::Append(std::string_view bytes, std::string& out) {
  if (converter_ == nullptr) {
    out += bytes;
    return;
  }
  iconv(converter_, nullptr, nullptr, nullptr, nullptr);  // initial state
  char* in = const_cast<char*>(bytes.data());  // iconv does not write to it
  size_t in_left = bytes.size();
  while (in_left > 0) {
    std::array<char, 512> buffer;
    char* to = buffer.data();
    size_t to_left = buffer.size();
    const size_t result = iconv(converter_, &in, &in_left, &to, &to_left);
    const int error = result == static_cast<size_t>(-1) ? errno : 0;
    out.append(buffer.data(), to);
    if (error == 0 || error == E2BIG) continue;
    // EILSEQ: one byte is none of the charset's. EINVAL: the text ends within
    // a character.
    out += kReplacement;
    if (error != EILSEQ) return;
    ++in;
    --in_left;
  }
}

}  // namespace gate::policy
