#include "rules/check_text.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_format.h"
#include "rules/ascii.h"
#include "rules/check_names.h"

namespace gate::rules {
namespace {

// Of a text without its facts, in bytes. A reply line of libmilter holds 980.
constexpr size_t kMaxLiteral = 900;
constexpr std::string_view kLimitPrefix = "limit.";
constexpr std::string_view kLimitFields[] = {
    "limit.name", "limit.used", "limit.allowed", "limit.retry_after"};

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
}

void CheckLimitField(CheckContext& context, const ast::FactRef& field,
                     const TextPlace& place) {
  if (std::find(std::begin(kLimitFields), std::end(kLimitFields),
                field.name.text) == std::end(kLimitFields)) {
    ReportUnknown(context, DiagnosticId::kUnknownLimitField,
                  "number of a limit", field.name, kLimitFields);
    return;
  }
  if (place.has_over) return;
  context.diagnostics
      .Error(DiagnosticId::kLimitFieldWithoutOver, field.range,
             absl::StrFormat("%s has no value: this rule asks no limit",
                             Quoted(field.name.text)))
      .help = "only rules with `over NAME` in their condition may use it";
}

void CheckPieces(CheckContext& context, ast::Text& text,
                 const TextPlace& place) {
  for (ast::TextPiece& piece : text.pieces) {
    if (!piece.fact) continue;
    if (piece.fact->name.text.starts_with(kLimitPrefix)) {
      CheckLimitField(context, *piece.fact, place);
    } else if (ResolveFact(context, *piece.fact)) {
      CheckFactStage(context, *piece.fact, place.stage);
    }
  }
}

// An MTA takes digits at the start of a reply's text for a code, and a fact
// may begin with whatever a stranger likes.
void CheckStart(CheckContext& context, const ast::Text& text) {
  const ast::TextPiece& first = text.pieces.front();
  if (first.fact) {
    context.diagnostics
        .Error(DiagnosticId::kBadTextStart, first.fact->range,
               "the text of a reply must not begin with a fact")
        .help = "a client chooses what it says: begin with words of your own";
  } else if (IsAsciiDigit(first.text.front())) {
    context.diagnostics
        .Error(DiagnosticId::kBadTextStart, text.range,
               "the text of a reply must not begin with a digit")
        .help = "MTAs read digits there as a code: begin with a word";
  } else if (first.text.front() == ' ') {
    context.diagnostics.Error(DiagnosticId::kBadTextStart, text.range,
                              "the text of a reply must not begin with a "
                              "blank");
  }
}

bool IsEmpty(const ast::Text& text) {
  return std::all_of(
      text.pieces.begin(), text.pieces.end(), [](const ast::TextPiece& piece) {
        return !piece.fact &&
               piece.text.find_first_not_of(" \t\r\n") == std::string::npos;
      });
}

bool CheckLiteralText(CheckContext& context, const ast::Text& text) {
  size_t length = 0;
  for (const ast::TextPiece& piece : text.pieces) {
    length += piece.text.size();
    if (std::any_of(piece.text.begin(), piece.text.end(), IsControl)) {
      context.diagnostics.Error(DiagnosticId::kControlInText, text.range,
                                "a text has no line breaks and no control "
                                "characters");
      return false;
    }
  }
  if (length <= kMaxLiteral) return true;
  context.diagnostics.Error(
      DiagnosticId::kTextTooLong, text.range,
      absl::StrFormat("a text has at most %d bytes, this has %d", kMaxLiteral,
                      length));
  return false;
}

}  // namespace

void CheckText(CheckContext& context, ast::Text& text, const TextPlace& place) {
  CheckPieces(context, text, place);
  if (IsEmpty(text)) {
    Diagnostic& fault = context.diagnostics.Error(
        DiagnosticId::kEmptyText, text.range, "the text is empty");
    if (place.use == TextUse::kReply) {
      fault.help = "leave it out for the default text";
    } else if (place.use == TextUse::kHeaderValue) {
      fault.help = "`remove header` takes a header away";
    }
    return;
  }
  if (CheckLiteralText(context, text) && place.use == TextUse::kReply) {
    CheckStart(context, text);
  }
}

}  // namespace gate::rules
