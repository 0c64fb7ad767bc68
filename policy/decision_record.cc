#include "policy/decision_record.h"

#include <algorithm>
#include <array>
#include <limits>

#include "decision.pb.h"

namespace gate::policy {

using rules::FactId;
using rules::ValueKind;

struct DecisionRecord::Message {
  v1::Decision decision;
};

namespace {

constexpr unsigned kReferenceBits = 40;
// Of a damaged record: no policy has more.
constexpr uint32_t kMaxHeaderNames = 100'000;

std::optional<rules::IpAddress> DecodeAddress(const std::string& bytes) {
  std::array<uint8_t, 16> address{};
  if (bytes.size() == 4) {
    uint32_t host_order = 0;
    for (const char byte : bytes) {
      host_order = host_order << 8 | static_cast<uint8_t>(byte);
    }
    return rules::IpAddress::FromV4(host_order);
  }
  if (bytes.size() != address.size()) return std::nullopt;
  std::transform(bytes.begin(), bytes.end(), address.begin(),
                 [](char byte) { return static_cast<uint8_t>(byte); });
  return rules::IpAddress::FromBytes(address);
}

// What stands on both sides of the last @.
void SplitMailbox(FactId mailbox, FactId local, FactId domain,
                  rules::FactSet& facts) {
  if (!facts.present(mailbox)) return;
  const std::string_view text = facts.text(mailbox);
  const size_t at = text.rfind('@');
  if (!text.empty()) facts.SetText(local, text.substr(0, at));
  if (at != std::string_view::npos) facts.SetText(domain, text.substr(at + 1));
}

// A path that was left out is the address in angle brackets.
void AddPath(FactId mailbox, FactId path, rules::FactSet& facts) {
  if (!facts.present(mailbox) || facts.present(path)) return;
  facts.SetText(path, '<' + std::string(facts.text(mailbox)) + '>');
}

void SetFact(const v1::Fact& fact, const rules::FactInfo& info,
             rules::FactSet& facts) {
  if (fact.unknown()) return facts.SetUnknown(info.id);
  switch (rules::KindOf(info.type)) {
    case ValueKind::kText:
      return facts.SetText(info.id, fact.text());
    case ValueKind::kPrefix:
      if (const auto address = DecodeAddress(fact.address())) {
        facts.SetAddress(info.id, *address);
      }
      return;
    case ValueKind::kNumber:
      return facts.SetNumber(info.id, fact.number());
    case ValueKind::kNone:
      return facts.SetFlag(info.id, true);
  }
}

}  // namespace

DecisionRecord::DecisionRecord() : message_(std::make_unique<Message>()) {}
DecisionRecord::~DecisionRecord() = default;
DecisionRecord::DecisionRecord(DecisionRecord&&) noexcept = default;
DecisionRecord& DecisionRecord::operator=(DecisionRecord&&) noexcept = default;

bool DecisionRecord::Parse(std::string_view bytes) {
  v1::Decision& in = message_->decision;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      in.stage() < v1::STAGE_CONNECT || in.stage() > v1::STAGE_MESSAGE ||
      in.action() < v1::ACTION_ACCEPT || in.action() > v1::ACTION_QUARANTINE ||
      in.reference() >> kReferenceBits != 0) {
    return false;
  }
  wall_us = static_cast<int64_t>(in.wall_us());
  reference = in.reference();
  policy = in.policy();
  stage = static_cast<rules::Stage>(in.stage() - 1);
  action = static_cast<rules::Action>(in.action() - 1);
  rule.reset();
  if (in.rule() > 0) rule = rules::RuleId{in.rule() - 1};
  code = static_cast<uint16_t>(in.code());
  enhanced = in.enhanced();
  text = in.text();
  kept = (in.flags() & v1::DECISION_FLAG_KEPT) != 0;
  repeat = (in.flags() & v1::DECISION_FLAG_REPEAT) != 0;
  given = (in.flags() & v1::DECISION_FLAG_NOT_GIVEN) == 0;
  cut = (in.flags() & v1::DECISION_FLAG_CUT) != 0;
  ReadFacts();
  ReadStore();
  notes.clear();
  for (const v1::Note& note : in.notes()) {
    if (note.rule() > 0) notes.push_back({{note.rule() - 1}, note.text()});
  }
  tests.clear();
  for (const uint32_t test : in.tests()) {
    tests.push_back(
        {static_cast<rules::Truth>(std::min(test & 3, 2U)), test >> 2});
  }
  return true;
}

void DecisionRecord::ReadFacts() {
  const v1::Decision& in = message_->decision;
  uint32_t headers = 0;
  for (const v1::Fact& fact : in.facts()) {
    headers = std::max(headers, fact.header());
  }
  facts.ClearFrom(rules::Stage::kConnect);
  header_names = std::min(headers, kMaxHeaderNames);
  facts.ResizeHeaders(header_names);
  for (const v1::Fact& fact : in.facts()) {
    if (fact.id() == 0 || fact.id() > rules::kFactCount) continue;
    const rules::FactInfo& info =
        rules::Info(static_cast<FactId>(fact.id() - 1));
    if (!info.indexed) {
      SetFact(fact, info, facts);
    } else if (fact.header() > 0 && fact.header() <= kMaxHeaderNames) {
      facts.AddHeader({fact.header() - 1}, fact.text());
    }
  }
  AddDerived();
}

void DecisionRecord::AddDerived() {
  if (facts.present(FactId::kClientIp)) {
    facts.SetPrefix(FactId::kClientNetwork,
                    rules::ClientNetwork(facts.address(FactId::kClientIp)));
  }
  SplitMailbox(FactId::kSender, FactId::kSenderLocal, FactId::kSenderDomain,
               facts);
  SplitMailbox(FactId::kRcpt, FactId::kRcptLocal, FactId::kRcptDomain, facts);
  AddPath(FactId::kSender, FactId::kSenderRaw, facts);
  AddPath(FactId::kRcpt, FactId::kRcptRaw, facts);
}

void DecisionRecord::ReadStore() {
  answers.clear();
  for (const v1::StoreAnswer& in : message_->decision.answers()) {
    if ((in.limit() == 0 && in.ban_key() == 0) || in.state() > 3) continue;
    RecordedAnswer& out = answers.emplace_back();
    if (in.limit() > 0) {
      out.limit = rules::LimitId{in.limit() - 1};
    } else {
      out.ban_key = {in.ban_key() - 1};
    }
    out.subject = in.subject();
    out.units = in.units() == 0 ? 1 : in.units();
    out.answer = {.state = static_cast<AnswerState>(in.state()),
                  .used = in.used(),
                  .allowed = in.allowed(),
                  .retry_after_us = static_cast<int64_t>(in.retry_after_us()),
                  .local = in.local()};
  }
}

}  // namespace gate::policy
