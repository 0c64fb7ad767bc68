#include "rules/needs.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/str_split.h"
#include "rules/rule_facts.h"

namespace gate::rules {
namespace {

size_t Index(FactId fact) { return static_cast<size_t>(fact); }

bool Refuses(const Rule& rule) {
  return !rule.shadow &&
         (rule.action == Action::kReject || rule.action == Action::kDefer);
}

// While the store is away its `outage defer` defers the event where this rule
// would decide.
bool MayDeferForOutage(const Rule& rule, const std::vector<Limit>& limits) {
  return !rule.shadow && Decides(rule.action) &&
         std::any_of(rule.over.begin(), rule.over.end(), [&](LimitId id) {
           return limits[id.value].outage == Outage::kDefer;
         });
}

bool EditsHeaders(const Rule& rule) {
  return !rule.shadow && (rule.action == Action::kAddHeader ||
                          rule.action == Action::kSetHeader ||
                          rule.action == Action::kRemoveHeader);
}

bool CountsBytes(const Limit& limit) { return limit.unit == Unit::kBytes; }

FactBits UsedFacts(const Policy::Parts& parts) {
  FactBits used;
  for (const Subject& subject : parts.program.subjects)
    used.set(Index(subject.fact));
  for (const BanKey& key : parts.ban_keys) used.set(Index(key.key.fact));
  for (const Limit& limit : parts.limits) {
    for (const KeyPart& key : limit.keys) used.set(Index(key.fact));
  }
  for (const Rule& rule : parts.rules) {
    for (const TextTemplate::Piece& piece : rule.text.pieces()) {
      if (piece.field == TextTemplate::Field::kFact)
        used.set(Index(piece.fact));
    }
  }
  if (parts.settings.protect) used.set(Index(FactId::kClientIp));
  // A refusal before the message ends is not given to local submissions.
  if (std::any_of(
          parts.rules.begin(), parts.rules.end(), [&](const Rule& rule) {
            return rule.stage != Stage::kMessage &&
                   (Refuses(rule) || MayDeferForOutage(rule, parts.limits));
          }))
    used.set(Index(FactId::kSessionLocal));
  return WithSources(used);
}

class NeedsBuilder {
 public:
  explicit NeedsBuilder(const Policy::Parts& parts) : parts_(parts) {}

  Needs Build() {
    const FactBits used = UsedFacts(parts_);
    for (const FactInfo& fact : AllFacts()) {
      if (used.test(Index(fact.id))) AddFact(fact);
    }
    for (const Rule& rule : parts_.rules) AddRule(rule);
    for (const Limit& limit : parts_.limits) AddLimit(limit);
    needs_.rejected_recipients = used.test(Index(FactId::kRcptRejected));
    AddMtaName();
    if (needs_.connect) AddMacros(Stage::kConnect, "{client_port}");
    AddBody(used);
    return std::move(needs_);
  }

 private:
  void AddFact(const FactInfo& fact) {
    const bool clock =
        fact.id == FactId::kTimeHour || fact.id == FactId::kTimeWeekday;
    if (!clock) Step(fact.stage) = true;
    if (fact.macros.empty()) return;
    Step(fact.macro_stage) = true;
    AddMacros(fact.macro_stage, fact.macros);
    needs_.macro_facts.set(Index(fact.id));
  }

  // Who the MTA is, as soon as one of its macros may be missing: what mends
  // that is the MTA's own. The table is in the order of stages there.
  void AddMtaName() {
    for (const FactInfo& fact : AllFacts()) {
      if (!fact.always_sent || !needs_.macro_facts.test(Index(fact.id)))
        continue;
      return AddMacros(fact.macro_stage, "v");
    }
  }

  void AddRule(const Rule& rule) {
    if (rule.stage == Stage::kHeaders) {
      needs_.end_of_headers = true;
    } else {
      Step(rule.stage) = true;
    }
    if (rule.stage == Stage::kData) needs_.rules_at_data = true;
    // MAIL begins a message: what is left of the one before must go.
    if (rule.stage > Stage::kMail) needs_.mail = true;
    // Refusals at connect and helo are given at MAIL, but for 421 at connect.
    const bool at_once = rule.stage == Stage::kConnect && rule.code == 421;
    const bool kept =
        (Refuses(rule) && !at_once) || MayDeferForOutage(rule, parts_.limits);
    if (rule.stage <= Stage::kHelo && kept) needs_.mail = true;
    if (rule.shadow) return;
    if (rule.action == Action::kQuarantine) needs_.quarantine = true;
    if (!EditsHeaders(rule)) return;
    needs_.headers = true;  // to know the incoming ones' indices
    needs_.change_headers = true;
    if (rule.action != Action::kRemoveHeader) needs_.add_headers = true;
  }

  void AddLimit(const Limit& limit) {
    switch (limit.unit) {
      case Unit::kConnections:
        needs_.connect = true;
        break;
      case Unit::kMessages:
      case Unit::kBytes:  // given back when no recipient was accepted
      case Unit::kRecipients:
        needs_.mail = true;
        needs_.rcpt = true;
        break;
      case Unit::kRejections:
        break;
    }
  }

  // The size is that of headers and body together.
  void AddBody(const FactBits& used) {
    const bool size =
        used.test(Index(FactId::kMessageSize)) ||
        std::any_of(parts_.limits.begin(), parts_.limits.end(), CountsBytes);
    const bool start = used.test(Index(FactId::kBody));
    needs_.headers = needs_.headers || size;
    needs_.body = size || start;
    needs_.body_start_only = start && !size;
  }

  // The switch of the step that brings `stage`'s facts. End of message comes
  // always.
  bool& Step(Stage stage) {
    switch (stage) {
      case Stage::kConnect:
        return needs_.connect;
      case Stage::kHelo:
        return needs_.helo;
      case Stage::kMail:
        return needs_.mail;
      case Stage::kRcpt:
        return needs_.rcpt;
      case Stage::kData:
        return needs_.data;
      case Stage::kHeaders:
        return needs_.headers;
      case Stage::kMessage:
        break;
    }
    return always_;
  }

  void AddMacros(Stage stage, std::string_view names) {
    auto& macros = needs_.macros[static_cast<size_t>(stage)];
    const absl::string_view all(names.data(), names.size());
    for (absl::string_view name : absl::StrSplit(all, ' ')) {
      const std::string macro(name);
      if (std::find(macros.begin(), macros.end(), macro) == macros.end())
        macros.push_back(macro);
    }
  }

  const Policy::Parts& parts_;
  Needs needs_;
  bool always_ = true;
};

}  // namespace

Needs ComputeNeeds(const Policy::Parts& parts) {
  return NeedsBuilder(parts).Build();
}

}  // namespace gate::rules
