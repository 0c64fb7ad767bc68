#include "rules/check_reply.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_format.h"
#include "rules/ascii.h"

namespace gate::rules {
namespace {

using Kind = ast::Action::Kind;

constexpr int64_t kDefaultReject = 554;
constexpr int64_t kDefaultDefer = 451;

bool AreDigits(std::string_view text, size_t most) {
  return !text.empty() && text.size() <= most &&
         std::all_of(text.begin(), text.end(), IsAsciiDigit);
}

// class.subject.detail with up to three digits each (RFC 3463 2).
bool IsEnhancedCode(std::string_view text) {
  const size_t first = text.find('.');
  if (first == std::string_view::npos) return false;
  const size_t second = text.find('.', first + 1);
  if (second == std::string_view::npos) return false;
  return first == 1 && IsAsciiDigit(text[0]) &&
         AreDigits(text.substr(first + 1, second - first - 1), 3) &&
         AreDigits(text.substr(second + 1), 3);
}

std::string_view Verb(Kind kind) {
  return kind == Kind::kReject ? "reject" : "defer";
}

char ClassOf(Kind kind) { return kind == Kind::kReject ? '5' : '4'; }

bool CheckCode(CheckContext& context, const ast::Action& action) {
  const ast::Literal& code = *action.code;
  const std::string_view written = context.sources.Text(code.range);
  if (!ReadReplyCode(code)) {
    context.diagnostics
        .Error(DiagnosticId::kBadReplyCode, code.range,
               absl::StrFormat("`%s` is no reply code", written))
        .help = absl::StrFormat("codes of %s have three digits: %c00 to %c59",
                                Quoted(Verb(action.kind)), ClassOf(action.kind),
                                ClassOf(action.kind));
    return false;
  }
  if (written.front() == ClassOf(action.kind)) return true;
  const bool permanent = written.front() == '5';
  Diagnostic& fault = context.diagnostics.Error(
      DiagnosticId::kBadReplyCode, code.range,
      absl::StrFormat("%s gives codes %cxx, this is %s",
                      Quoted(Verb(action.kind)), ClassOf(action.kind),
                      written));
  if (permanent || written.front() == '4') {
    fault.help =
        absl::StrFormat("`%s %s`", permanent ? "reject" : "defer", written);
  }
  return false;
}

void CheckEnhanced(CheckContext& context, const ast::Action& action,
                   bool code_is_sound) {
  const ast::Literal& enhanced = *action.enhanced;
  const std::string_view written = context.sources.Text(enhanced.range);
  if (!IsEnhancedCode(written)) {
    context.diagnostics
        .Error(DiagnosticId::kBadEnhancedCode, enhanced.range,
               absl::StrFormat("`%s` is no enhanced status code", written))
        .help =
        absl::StrFormat("such as `%c.7.1` (RFC 3463)", ClassOf(action.kind));
    return;
  }
  if (!code_is_sound || written.front() == ClassOf(action.kind)) return;
  Diagnostic& fault = context.diagnostics.Error(
      DiagnosticId::kCodeClassMismatch, enhanced.range,
      absl::StrFormat("`%s` is of class %c, %s gives class %c", written,
                      written.front(), Quoted(Verb(action.kind)),
                      ClassOf(action.kind)));
  if (action.code) {
    fault.notes.push_back({action.code->range, "the reply code is here"});
  }
  fault.help =
      absl::StrFormat("`%c%s`", ClassOf(action.kind), written.substr(1));
}

}  // namespace

void CheckReply(CheckContext& context, const ast::Action& action) {
  const bool sound = !action.code || CheckCode(context, action);
  if (action.enhanced) CheckEnhanced(context, action, sound);
}

std::optional<int64_t> ReplyCode(const ast::Action& action) {
  if (action.kind != Kind::kReject && action.kind != Kind::kDefer) {
    return std::nullopt;
  }
  if (action.code) return ReadReplyCode(*action.code);
  return action.kind == Kind::kReject ? kDefaultReject : kDefaultDefer;
}

std::optional<int64_t> ReadReplyCode(const ast::Literal& literal) {
  if (literal.kind != ast::Literal::Kind::kNumber) return std::nullopt;
  const int64_t code = literal.number;
  const bool can_be = code >= 200 && code <= 599 && code % 100 < 60;
  return can_be ? std::optional(code) : std::nullopt;
}

}  // namespace gate::rules
