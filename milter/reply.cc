#include "milter/reply.h"

#include <algorithm>
#include <cassert>

#include "absl/strings/escaping.h"
#include "policy/reference.h"
#include "rules/ascii.h"

namespace gate::milter {
namespace {

using rules::Action;

bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
// A byte of a UTF-8 character that is not its first.
bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// One `?` for each character; its further bytes are left out.
char Clean(char c) { return IsControl(c) || !IsAscii(c) ? '?' : c; }

bool SameClass(std::string_view enhanced, char code_class) {
  return enhanced.size() >= 5 && enhanced[0] == code_class &&
         enhanced[1] == '.';
}

void SetCodes(const policy::Verdict& verdict, Reply& reply) {
  const bool reject = verdict.action == Action::kReject;
  const char code_class = reject ? '5' : '4';
  assert(verdict.code / 100 == code_class - '0');
  assert(SameClass(verdict.enhanced, code_class));
  if (verdict.code / 100 == code_class - '0') {
    reply.code.assign({code_class,
                       static_cast<char>('0' + verdict.code / 10 % 10),
                       static_cast<char>('0' + verdict.code % 10)});
  } else {
    reply.code = reject ? "554" : "451";
  }
  if (SameClass(verdict.enhanced, code_class)) {
    reply.enhanced.assign(verdict.enhanced);
  } else {
    reply.enhanced = reject ? "5.7.1" : "4.7.1";
  }
}

// Cuts text into the lines of a reply, one byte (or a doubled %) at a time.
class LineWriter {
 public:
  LineWriter(Reply& reply, size_t max_lines)
      : reply_(reply), max_lines_(max_lines) {
    Begin();
  }

  bool full() const { return full_; }
  // More lines than before, for what comes now.
  void Extend(size_t max_lines) {
    max_lines_ = max_lines;
    full_ = false;
  }

  void Put(std::string_view text) {
    for (const char c : text) Put(c);
  }

  void Put(char c) {
    std::string& line = reply_.lines[reply_.line_count - 1];
    if (line.empty()) {
      if (c == ' ') return;
      if (rules::IsAsciiDigit(c)) line += ' ';
    }
    if (line.size() + 2 > Reply::kMaxLine) {
      Wrap();
      if (!full_) Put(c);
      return;
    }
    line += c;
    if (c == '%') line += c;
  }

 private:
  void Begin() {
    if (reply_.line_count == max_lines_) {
      full_ = true;
      return;
    }
    if (reply_.lines.size() == reply_.line_count) reply_.lines.emplace_back();
    reply_.lines[reply_.line_count++].clear();
  }

  // Begins a line with what stands behind the last blank. A word of more than
  // half a line is cut where the line ends.
  void Wrap() {
    const size_t last = reply_.line_count - 1;
    Begin();
    if (full_) return;
    std::string& full_line = reply_.lines[last];
    const size_t blank = full_line.rfind(' ');
    if (blank == std::string::npos || blank < Reply::kMaxLine / 2) return;
    std::string& next = reply_.lines[last + 1];
    if (blank + 1 < full_line.size() &&
        rules::IsAsciiDigit(full_line[blank + 1])) {
      next += ' ';
    }
    next.append(full_line, blank + 1);
    full_line.resize(blank);
  }

  Reply& reply_;
  size_t max_lines_;
  bool full_ = false;
};

// What a long text leaves to the reference and the contact.
constexpr size_t kTailLines = 2;

// " [7K2F-9QXM], questions to postmaster@example.org"
void PutTail(const policy::Verdict& verdict, LineWriter& writer) {
  if (verdict.shows_reference) {
    writer.Put(" [");
    writer.Put(policy::FormatReference(verdict.reference));
    writer.Put("]");
  }
  if (verdict.contact.empty()) return;
  const bool page = verdict.contact.starts_with("https://");
  writer.Put(page ? ", see " : ", questions to ");
  writer.Put(verdict.contact);
}

void TrimRight(std::string& line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
}

}  // namespace

void EncodeReply(const policy::Verdict& verdict, Reply& reply) {
  assert(verdict.refuses());
  SetCodes(verdict, reply);
  std::string_view text = verdict.text;
  if (text.find_first_not_of(' ') == std::string_view::npos) {
    text = verdict.action == Action::kReject ? "Rejected by local policy"
                                             : "Try again later";
  }
  reply.line_count = 0;
  text = text.substr(0, text.find_last_not_of(' ') + 1);
  const bool tail = verdict.shows_reference || !verdict.contact.empty();
  LineWriter writer(reply, Reply::kMaxLines - (tail ? kTailLines : 0));
  for (const char c : text) {
    if (writer.full()) break;
    if (!IsContinuation(c)) writer.Put(Clean(c));
  }
  writer.Extend(Reply::kMaxLines);
  PutTail(verdict, writer);
  for (size_t i = 0; i < reply.line_count; ++i) TrimRight(reply.lines[i]);
  if (reply.line_count > 1 && reply.lines[reply.line_count - 1].empty()) {
    --reply.line_count;
  }
}

std::string CleanText(std::string_view text) {
  std::string clean;
  for (const char c : text.substr(0, Reply::kMaxLine)) {
    if (!IsContinuation(c)) clean += Clean(c);
  }
  return clean;
}

namespace {

constexpr size_t kFoldWidth = 78;  // RFC 5322 2.1.1
// An encoded word has at most 75 bytes (RFC 2047 2): 12 around 63 of base64.
constexpr size_t kEncodedBytes = 45;
// ASCII words longer than this cannot be folded and would exceed the 998
// bytes of a line (RFC 5322 2.1.1): they are encoded, too.
constexpr size_t kLongestWord = 400;

// What would be read as an encoded word must not come out of a plain text.
bool NeedsEncoding(std::string_view word) {
  return word.size() > kLongestWord ||
         word.find("=?") != std::string_view::npos ||
         !std::all_of(word.begin(), word.end(), IsAscii);
}

// Blanks for line breaks and tabs, `?` for other control bytes.
std::string CleanValue(std::string_view value) {
  std::string clean(value);
  for (char& c : clean) {
    if (c == '\t' || c == '\n' || c == '\r') {
      c = ' ';
    } else if (IsControl(c)) {
      c = '?';
    }
  }
  return clean;
}

// The end of the chunk of `text` that begins at `begin`: at most
// kEncodedBytes, whole characters (RFC 2047 5).
size_t ChunkEnd(std::string_view text, size_t begin) {
  size_t end = std::min(text.size(), begin + kEncodedBytes);
  while (end < text.size() && end > begin + 1 && IsContinuation(text[end])) {
    --end;
  }
  return end;
}

// Appends words with a blank between them, or with a fold.
class FoldedValue {
 public:
  explicit FoldedValue(size_t name_width) : column_(name_width) {}

  void Append(std::string_view word) {
    if (!out_.empty() || !first_) {
      if (!word.empty() && column_ + 1 + word.size() > kFoldWidth) {
        out_ += '\n';
        column_ = 0;
      }
      out_ += ' ';
      ++column_;
    }
    first_ = false;
    out_.append(word);
    column_ += word.size();
  }

  void AppendEncoded(std::string_view text) {
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = ChunkEnd(text, begin);
      const std::string chunk(text.substr(begin, end - begin));
      Append("=?UTF-8?B?" + absl::Base64Escape(chunk) + "?=");
      begin = end;
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
  size_t column_;
  bool first_ = true;
};

std::string_view WordAt(std::string_view text, size_t begin) {
  return text.substr(begin, text.find(' ', begin) - begin);
}

// The end of the run of words that are encoded together: blanks between two
// encoded words would be lost (RFC 2047 6.2), so they are encoded with them.
size_t RunEnd(std::string_view text, size_t begin) {
  size_t run_end = begin;
  for (size_t at = begin; at <= text.size();) {
    const std::string_view word = WordAt(text, at);
    if (NeedsEncoding(word)) {
      run_end = at + word.size();
    } else if (!word.empty()) {
      break;
    }
    at += word.size() + 1;
  }
  return run_end;
}

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

}  // namespace

std::string EncodeHeaderValue(std::string_view name, std::string_view value) {
  const std::string clean = CleanValue(value);
  const std::string_view text = Trimmed(clean);
  FoldedValue folded(name.size() + 2);
  for (size_t at = 0; at < text.size();) {
    const std::string_view word = WordAt(text, at);
    if (NeedsEncoding(word)) {
      const size_t end = RunEnd(text, at);
      folded.AppendEncoded(text.substr(at, end - at));
      at = end + 1;
    } else {
      folded.Append(word);
      at += word.size() + 1;
    }
  }
  return folded.Take();
}

}  // namespace gate::milter
