// Reply codes (RFC 5321 4.2) and enhanced status codes (RFC 3463) of reject
// and defer.
#pragma once

#include <cstdint>
#include <optional>

#include "rules/ast.h"
#include "rules/check_context.h"

namespace gate::rules {

// Requires: an action that rejects or defers.
void CheckReply(CheckContext& context, const ast::Action& action);

// The reply code that the action gives, its default included; nothing when
// it gives none or a faulty one.
std::optional<int64_t> ReplyCode(const ast::Action& action);

// "three digits" of a reply code; nothing when `literal` is none.
std::optional<int64_t> ReadReplyCode(const ast::Literal& literal);

}  // namespace gate::rules
