#include "policy/from_field.h"

#include <algorithm>
#include <string>

#include "rules/ascii.h"

namespace gate::policy {
namespace {

using Position = std::string_view::size_type;
constexpr Position kNone = std::string_view::npos;

// The position behind the quoted string that begins at `open`.
Position QuotedEnd(std::string_view text, Position open) {
  for (Position i = open + 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
  }
  return kNone;
}

// The position behind the comment, nested ones included, that begins at
// `open`.
Position CommentEnd(std::string_view text, Position open) {
  size_t depth = 0;
  for (Position i = open; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')' && --depth == 0) {
      return i + 1;
    }
  }
  return kNone;
}

// One pass over the field. A word is what stands between blanks, comments and
// separators; it is a mailbox when it has an unquoted @ or stands in angle
// brackets. What has no partner (quote, bracket) separates words.
class FromParser {
 public:
  size_t Parse(std::string_view text, rules::MailAddress& first) {
    Reset(text);
    while (at_ < text_.size()) Step(first);
    if (in_angle_) EndAngle();
    EndElement(first);
    return count_;
  }

 private:
  void Reset(std::string_view text) {
    text_ = text;
    at_ = 0;
    count_ = 0;
    quotes_close_ = comments_close_ = literals_close_ = true;
    in_angle_ = blank_ = false;
    ResetElement();
    word_.clear();
    word_ats_ = 0;
  }

  void Step(rules::MailAddress& first) {
    const char c = text_[at_];
    switch (c) {
      case '"':
        return Take(quotes_close_, QuotedEnd);
      case '(':
        return SkipComment();
      case '[':
        if (!word_.ends_with('@')) return Blank();
        return Take(literals_close_, [](std::string_view text, Position open) {
          const Position close = text.find(']', open);
          return close == kNone ? kNone : close + 1;
        });
      case '<':
        return BeginAngle();
      case '>':
        if (!in_angle_) return Blank();
        EndAngle();
        return Skip();
      case ',':
      case ';':
      case ':':
        if (in_angle_) return Append(1);  // a source route
        EndElement(first);
        return Skip();
      case ' ':
      case '\t':
      case '\r':
      case '\n':
        return Blank();
      case '\\':
        return Append(2);
      default:
        Append(1);
        if (c == '@') ++word_ats_;
    }
  }

  void Skip() { ++at_; }
  void Blank() {
    blank_ = true;
    ++at_;
  }

  // Appends the piece that begins here and ends where `end` says. `closes` is
  // for all of its kind: when one has no end, later ones have none either
  // and are not searched for, or hostile input would take quadratic time.
  template <class End>
  void Take(bool& closes, End end) {
    const Position behind = closes ? end(text_, at_) : kNone;
    closes = behind != kNone;
    if (!closes) return Blank();
    Append(behind - at_);
  }

  void SkipComment() {
    const Position behind = comments_close_ ? CommentEnd(text_, at_) : kNone;
    comments_close_ = behind != kNone;
    at_ = comments_close_ ? behind : at_ + 1;
    blank_ = true;
  }

  // Appends the next `size` bytes to the word. Blanks around `@` and `.` are
  // none (RFC 5322 4.4); other blanks end a word outside angle brackets.
  void Append(size_t size) {
    const std::string_view piece = text_.substr(at_, size);
    at_ += piece.size();
    const auto joins = [](char c) { return c == '@' || c == '.'; };
    if (blank_ && !word_.empty() && !joins(word_.back()) &&
        !joins(piece.front())) {
      if (in_angle_) {
        word_ += ' ';
      } else {
        EndBare();
      }
    }
    blank_ = false;
    word_ += piece;
  }

  // The word ends, outside angle brackets.
  void EndBare() {
    if (word_ats_ > 0 && bare_count_ == 0) bare_ = word_;
    bare_count_ += word_ats_;
    word_.clear();
    word_ats_ = 0;
    blank_ = false;
  }

  void BeginAngle() {
    if (in_angle_) {
      EndAngle();
    } else {
      EndBare();
    }
    in_angle_ = true;
    ++at_;
  }

  void EndAngle() {
    if (!word_.empty()) {
      const bool route =
          word_.front() == '@' && word_.find(':') != std::string::npos;
      if (angle_count_ == 0) angle_ = word_;
      angle_count_ += route ? 1 : std::max<size_t>(word_ats_, 1);
    }
    word_.clear();
    word_ats_ = 0;
    in_angle_ = blank_ = false;
  }

  // What stands between two commas, or in a group, is over.
  void EndElement(rules::MailAddress& first) {
    EndBare();
    const bool same = bare_count_ == 1 && angle_count_ == 1 &&
                      rules::EqualFolded(bare_, angle_);
    const size_t found = same ? 1 : bare_count_ + angle_count_;
    if (count_ == 0 && found > 0) {
      rules::ParseMailAddress(angle_count_ > 0 ? angle_ : bare_, first);
    }
    count_ += found;
    ResetElement();
  }

  void ResetElement() { bare_count_ = angle_count_ = 0; }

  std::string_view text_;
  Position at_ = 0;
  size_t count_ = 0;
  bool quotes_close_ = true;
  bool comments_close_ = true;
  bool literals_close_ = true;
  bool in_angle_ = false;
  bool blank_ = false;  // blanks or a comment since the last piece
  std::string word_;
  size_t word_ats_ = 0;  // unquoted @ in it
  // The mailboxes of this element: how many, and the first one's text.
  size_t bare_count_ = 0;
  size_t angle_count_ = 0;
  std::string bare_;
  std::string angle_;
};

}  // namespace

size_t ParseFrom(std::string_view raw, rules::MailAddress& first) {
  // Scratch only: connections change threads, nothing of theirs stays here.
  thread_local FromParser parser;
  return parser.Parse(raw, first);
}

}  // namespace gate::policy
