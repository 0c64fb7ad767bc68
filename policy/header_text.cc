#include "policy/header_text.h"

#include <array>
#include <cstdint>
#include <optional>

#include "policy/charset.h"
#include "rules/ascii.h"
#include "rules/domain_name.h"

namespace gate::policy {
namespace {

constexpr std::string_view kBlanks = " \t";

// -1: no digit.
int HexValue(char c) {
  if (rules::IsAsciiDigit(c)) return c - '0';
  c = rules::FoldAscii(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// -1: not of the alphabet (RFC 4648 table 1).
int Base64Value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (rules::IsAsciiDigit(c)) return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// Appends what `text` encodes; false when it is no base64. Missing padding is
// let pass.
bool AppendBase64(std::string_view text, std::string& out) {
  while (text.ends_with('=')) text.remove_suffix(1);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = Base64Value(c);
    if (value < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  return true;
}

// RFC 2047 4.2; a `=` without two digits is itself.
void AppendQ(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      out += ' ';
      continue;
    }
    if (text[i] == '=' && i + 2 < text.size()) {
      const int high = HexValue(text[i + 1]);
      const int low = HexValue(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high << 4 | low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
}

// =?charset?encoding?text?=
struct EncodedWord {
  std::string_view charset;
  char encoding = 'q';  // or 'b'
  std::string_view text;
  size_t size = 0;  // of the whole word
};

// The word that `rest` begins with. Blanks within the text are let pass, as
// some software writes them. No look-up goes behind the third `?`, so that a
// scan over many false beginnings stays linear.
std::optional<EncodedWord> ParseWord(std::string_view rest) {
  EncodedWord word;
  const size_t charset_end = rest.find('?', 2);
  if (charset_end == std::string_view::npos) return {};
  word.charset = rest.substr(2, charset_end - 2);
  word.charset = word.charset.substr(0, word.charset.find('*'));  // RFC 2231
  if (charset_end + 2 >= rest.size() || rest[charset_end + 2] != '?') return {};
  word.encoding = rules::FoldAscii(rest[charset_end + 1]);
  if (word.encoding != 'q' && word.encoding != 'b') return {};
  const size_t begin = charset_end + 3;
  const size_t end = rest.find('?', begin);
  if (end == std::string_view::npos || !rest.substr(end).starts_with("?=")) {
    return {};
  }
  word.text = rest.substr(begin, end - begin);
  word.size = end + 2;
  return word;
}

// Scratch memory for DecodeHeader.
class HeaderDecoder {
 public:
  void Decode(std::string_view raw, std::string& out) {
    Unfold(raw);
    DecodeWords();
    rules::MakeValidUtf8(decoded_, out);
    out.erase(out.find_last_not_of(kBlanks) + 1);
    out.erase(0, out.find_first_not_of(kBlanks));
  }

 private:
  // A line break before a blank is folding and goes; any other, or a lone CR,
  // must not look like a new line to anybody: it becomes a space.
  void Unfold(std::string_view raw) {
    unfolded_.clear();
    for (size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '\r' && i + 1 < raw.size() && raw[i + 1] == '\n') continue;
      if (raw[i] != '\r' && raw[i] != '\n') {
        unfolded_ += raw[i];
      } else if (i + 1 == raw.size() ||
                 kBlanks.find(raw[i + 1]) == std::string_view::npos) {
        unfolded_ += ' ';
      }
    }
  }

  void DecodeWords() {
    decoded_.clear();
    const std::string_view text = unfolded_;
    size_t literal = 0;  // begin of what is not yet decoded
    size_t at = text.find("=?");
    while (at != std::string_view::npos) {
      const auto word = ParseWord(text.substr(at));
      if (word && AddWord(*word, text.substr(literal, at - literal))) {
        literal = at + word->size;
        at = text.find("=?", literal);
      } else {
        at = text.find("=?", at + 2);
      }
    }
    FlushBytes();
    decoded_ += text.substr(literal);
  }

  // `before`: the text since the last word. False: the word cannot be decoded
  // and is text itself. Blanks between two words go (RFC 2047 6.2), and words
  // of one charset are decoded together: senders split within characters.
  bool AddWord(const EncodedWord& word, std::string_view before) {
    word_.clear();
    if (word.encoding == 'q') {
      AppendQ(word.text, word_);
    } else if (!AppendBase64(word.text, word_)) {
      return false;
    }
    const bool adjacent =
        in_words_ && before.find_first_not_of(kBlanks) == before.npos;
    if (!adjacent || !decoder_.IsSelected(word.charset)) {
      FlushBytes();
      if (!decoder_.Select(word.charset)) return false;
      if (!adjacent) decoded_ += before;
    }
    in_words_ = true;
    bytes_ += word_;
    return true;
  }

  void FlushBytes() {
    if (!in_words_) return;
    const size_t begin = decoded_.size();
    decoder_.Append(bytes_, decoded_);
    for (size_t i = begin; i < decoded_.size(); ++i) {
      if (decoded_[i] == '\r' || decoded_[i] == '\n') decoded_[i] = ' ';
    }
    bytes_.clear();
    in_words_ = false;
  }

  std::string unfolded_;
  std::string decoded_;
  std::string word_;   // bytes of one encoded word
  std::string bytes_;  // of the words since the last other text
  bool in_words_ = false;
  CharsetDecoder decoder_;
};

}  // namespace

void DecodeHeader(std::string_view raw, std::string& out) {
  // Scratch only: connections change threads, nothing of theirs stays here.
  thread_local HeaderDecoder decoder;
  decoder.Decode(raw, out);
}

}  // namespace gate::policy
