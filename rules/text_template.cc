// TextTemplate: replies, header values and log lines with facts in them.
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "rules/policy.h"

namespace gate::rules {

TextTemplate::TextTemplate(std::vector<Piece> pieces)
    : pieces_(std::move(pieces)) {}

void TextTemplate::Render(const FactSet& facts, const LimitNumbers& limit,
                          std::string& out) const {
  out.clear();
  for (const Piece& piece : pieces_) {
    switch (piece.field) {
      case Field::kNone:
        out += piece.text;
        break;
      case Field::kFact:
        facts.AppendValue(piece.fact, piece.header, out);
        break;
      case Field::kLimitName:
        out += limit.name;
        break;
      case Field::kLimitUsed:
        absl::StrAppendFormat(&out, "%u", limit.used);
        break;
      case Field::kLimitAllowed:
        absl::StrAppendFormat(&out, "%u", limit.allowed);
        break;
      case Field::kLimitRetryAfter:
        AppendDuration(limit.retry_after_us, out);
        break;
    }
  }
}

}  // namespace gate::rules
