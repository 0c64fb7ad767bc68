// `set store` and `set redis-deadline`: where limits and bans live.
#pragma once

#include "rules/ast.h"
#include "rules/check_context.h"

namespace gate::rules {

// memory, or redis "HOST[:PORT]" or redis "unix:/path", then in any order
// user "NAME", password-file "/path", database N.
void CheckStore(CheckContext& context, const ast::Set& set);
// A duration from 1ms to 10s.
void CheckRedisDeadline(CheckContext& context, const ast::Set& set);

}  // namespace gate::rules
