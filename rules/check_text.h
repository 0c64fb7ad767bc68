// Texts of rules: replies, header values, log lines.
#pragma once

#include "rules/ast.h"
#include "rules/check_context.h"
#include "rules/check_stages.h"

namespace gate::rules {

enum class TextUse : uint8_t { kReply, kHeaderValue, kNote };

// Resolves the facts of `text`. `has_over`: the rule's condition asks a limit,
// so that {limit.*} mean something.
struct TextPlace {
  StagePlace stage;
  TextUse use = TextUse::kNote;
  bool has_over = false;
};
void CheckText(CheckContext& context, ast::Text& text, const TextPlace& place);

}  // namespace gate::rules
