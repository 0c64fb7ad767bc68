#include "rules/parse_text.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "rules/quoted_text.h"

namespace gate::rules {
namespace {

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
         c == '.' || c == '-';
}

// Finds the `{fact}` pieces of one text.
class TextReader {
 public:
  TextReader(const Token& token, const Unquoted& unquoted,
             Diagnostics& diagnostics)
      : token_(token), unquoted_(unquoted), diagnostics_(diagnostics) {}

  std::optional<ast::Text> Read() {
    ast::Text out;
    out.range = token_.range;
    std::string plain;
    while (pos_ < text().size()) {
      const char c = text()[pos_];
      const bool doubled = pos_ + 1 < text().size() && text()[pos_ + 1] == c;
      if ((c == '{' || c == '}') && doubled) {
        plain += c;
        pos_ += 2;
      } else if (c == '}') {
        Fault(pos_, pos_ + 1, "`}` without `{`",
              "write `}}` for a brace in the text");
        return std::nullopt;
      } else if (c == '{') {
        auto fact = ReadFact();
        if (!fact) return std::nullopt;
        Flush(plain, out);
        out.pieces.push_back({{}, std::move(fact)});
      } else {
        plain += c;
        ++pos_;
      }
    }
    Flush(plain, out);
    return out;
  }

 private:
  const std::string& text() const { return unquoted_.text; }

  SourceRange Range(size_t begin, size_t end) const {
    return SubRange(token_.range, unquoted_.offsets[begin],
                    unquoted_.offsets[end]);
  }

  static void Flush(std::string& plain, ast::Text& out) {
    if (!plain.empty()) out.pieces.push_back({plain, std::nullopt});
    plain.clear();
  }

  void Fault(size_t begin, size_t end, std::string_view message,
             std::string_view help) {
    diagnostics_
        .Error(DiagnosticId::kBadFactInText, Range(begin, end),
               std::string(message))
        .help = help;
  }

  // At `{`; behind `}` afterwards.
  std::optional<ast::FactRef> ReadFact() {
    const size_t open = pos_++;
    const size_t begin = pos_;
    while (pos_ < text().size() && IsNameCharacter(text()[pos_])) ++pos_;
    ast::FactRef fact;
    fact.name = {text().substr(begin, pos_ - begin), Range(begin, pos_)};
    const bool named = pos_ > begin;
    const bool index_read = named && ReadIndex(fact);
    if (!index_read || pos_ == text().size() || text()[pos_] != '}') {
      Fault(open, std::min(pos_ + 1, text().size()), "`{` begins no fact here",
            "write `{client.ip}` or `{header[\\\"Name\\\"]}` for a fact, `{{` "
            "for a brace in the text");
      return std::nullopt;
    }
    fact.range = Range(begin, pos_);
    ++pos_;
    return fact;
  }

  // ["Name"], if there is one.
  bool ReadIndex(ast::FactRef& fact) {
    constexpr std::string_view kOpen = "[\"";
    constexpr std::string_view kClose = "\"]";
    if (text().compare(pos_, kOpen.size(), kOpen) != 0) return true;
    const size_t begin = pos_ + kOpen.size();
    const size_t end = text().find(kClose, begin);
    if (end == std::string::npos) return false;
    fact.index = {text().substr(begin, end - begin), Range(begin, end)};
    pos_ = end + kClose.size();
    return true;
  }

  const Token& token_;
  const Unquoted& unquoted_;
  Diagnostics& diagnostics_;
  size_t pos_ = 0;
};

}  // namespace

std::optional<ast::Text> ReadText(const Token& token,
                                  Diagnostics& diagnostics) {
  const auto unquoted = Unquote(token, diagnostics);
  if (!unquoted) return std::nullopt;
  return TextReader(token, *unquoted, diagnostics).Read();
}

}  // namespace gate::rules
