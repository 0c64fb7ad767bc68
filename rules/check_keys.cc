#include "rules/check_keys.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_format.h"
#include "rules/check_literal.h"
#include "rules/facts.h"

namespace gate::rules {
namespace {

constexpr int64_t kMaxPrefix = 128;

bool IsKey(const FactInfo& info) {
  if (info.indexed || info.id == FactId::kBody) return false;
  return info.type != FactType::kFlag && info.type != FactType::kSize &&
         info.type != FactType::kDuration;
}

bool IsBanned(const CheckContext& context, FactId id) {
  return std::any_of(context.bans.begin(), context.bans.end(),
                     [&](const ast::Action* ban) {
                       return ban->ban_key.resolved == id && !ban->ban_prefix;
                     });
}

// `banned` asks for whole values: a ban of a prefix is asked by nobody.
bool IsAsked(const CheckContext& context, const ast::Action& ban) {
  return !ban.ban_prefix &&
         std::any_of(context.asked_bans.begin(), context.asked_bans.end(),
                     [&](const ast::FactRef* fact) {
                       return fact->resolved == ban.ban_key.resolved;
                     });
}

}  // namespace

bool CheckKeyFact(CheckContext& context, const ast::FactRef& fact) {
  const FactInfo& info = Info(*fact.resolved);
  if (IsKey(info)) return true;
  context.diagnostics
      .Error(DiagnosticId::kBadKey, fact.range,
             info.indexed
                 ? absl::StrFormat("%s may have many values, a key has one",
                                   Quoted(FactText(fact)))
                 : absl::StrFormat("%s is %s: it is no key",
                                   Quoted(FactText(fact)),
                                   TypeWithArticle(info.type)))
      .help =
      "keys are facts such as `client.network`, `auth.user` or "
      "`rcpt.domain`";
  return false;
}

void CheckKeyPrefix(CheckContext& context, const ast::FactRef& fact,
                    std::optional<int64_t> prefix) {
  if (!prefix) return;
  if (Info(*fact.resolved).type != FactType::kAddress) {
    context.diagnostics
        .Error(DiagnosticId::kBadKeyPrefix, fact.range,
               absl::StrFormat("%s is %s: only addresses take a prefix",
                               Quoted(FactText(fact)),
                               TypeWithArticle(Info(*fact.resolved).type)))
        .help = absl::StrFormat("`client.ip prefix %d`", *prefix);
    return;
  }
  if (*prefix >= 1 && *prefix <= kMaxPrefix) return;
  context.diagnostics.Error(
      DiagnosticId::kBadKeyPrefix, fact.range,
      absl::StrFormat("a prefix has 1 to %d bits, this has %d", kMaxPrefix,
                      *prefix));
}

void ReportBans(CheckContext& context) {
  for (const ast::FactRef* fact : context.asked_bans) {
    if (IsBanned(context, *fact->resolved)) continue;
    context.diagnostics
        .Warning(DiagnosticId::kNeverBanned, fact->range,
                 absl::StrFormat("no rule bans %s", Quoted(FactText(*fact))))
        .help = absl::StrFormat("`ban %s for 1h`", FactText(*fact));
  }
  for (const ast::Action* ban : context.bans) {
    if (IsAsked(context, *ban)) continue;
    context.diagnostics
        .Warning(DiagnosticId::kUnaskedBan, ban->range,
                 "this ban refuses nothing: no rule asks for it")
        .help = ban->ban_prefix
                    ? std::string("ban a whole fact, such as `client.network`")
                    : absl::StrFormat("a rule with `when banned(%s)` refuses",
                                      FactText(ban->ban_key));
  }
}

}  // namespace gate::rules
