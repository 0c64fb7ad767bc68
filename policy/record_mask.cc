#include "policy/record_mask.h"

#include "decision.pb.h"
#include "rules/facts.h"

namespace gate::policy {
namespace {

// What cannot be in a local part that is not quoted (RFC 5321 section 4.1.2),
// but for the characters of source routes and old bang paths: those are part
// of what a mailbox gives away.
bool EndsLocalPart(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == '<' || c == '>' ||
         c == ',' || c == ';' || c == '(' || c == ')' || c == '[' || c == ']' ||
         c == '"';
}

// Where the local part begins that ends at `at`.
size_t LocalPartBegin(std::string_view text, size_t at) {
  size_t begin = at;
  if (begin > 0 && text[begin - 1] == '"') {
    const size_t quote = text.rfind('"', begin - 2);
    return begin < 2 || quote == std::string_view::npos ? begin - 1 : quote;
  }
  while (begin > 0 && !EndsLocalPart(text[begin - 1])) --begin;
  return begin;
}

void Mask(std::string& text) { text = MaskLocalParts(text); }

// Facts that are an address, or typed as one, whether with a domain or not.
bool IsAddress(uint32_t number) {
  if (number == 0 || number > rules::kFactCount) return false;
  const auto id = static_cast<rules::FactId>(number - 1);
  return rules::Info(id).type == rules::FactType::kMailbox ||
         id == rules::FactId::kSenderRaw || id == rules::FactId::kRcptRaw ||
         id == rules::FactId::kRcptOrcpt || id == rules::FactId::kSenderAuth;
}

void MaskFact(v1::Fact& fact) {
  if (fact.text().empty()) return;
  const bool has_domain = fact.text().find('@') != std::string::npos;
  if (has_domain) {
    Mask(*fact.mutable_text());
  } else if (IsAddress(fact.id())) {
    fact.set_text("*");
  }
}

}  // namespace

std::string MaskLocalParts(std::string_view text) {
  std::string masked;
  size_t taken = 0;
  for (size_t at = text.find('@'); at != std::string_view::npos;
       at = text.find('@', at + 1)) {
    const size_t begin = std::max(LocalPartBegin(text, at), taken);
    masked += text.substr(taken, begin - taken);
    const bool goes_on = begin == taken && masked.ends_with('*');
    if (begin < at && !goes_on) masked += '*';
    taken = at;
  }
  masked += text.substr(taken);
  return masked;
}

std::optional<std::string> MaskRecord(std::string_view record) {
  v1::Decision decision;
  if (!decision.ParseFromArray(record.data(),
                               static_cast<int>(record.size()))) {
    return std::nullopt;
  }
  Mask(*decision.mutable_text());
  for (v1::Fact& fact : *decision.mutable_facts()) MaskFact(fact);
  for (v1::StoreAnswer& answer : *decision.mutable_answers()) {
    Mask(*answer.mutable_subject());
  }
  for (v1::Note& note : *decision.mutable_notes()) Mask(*note.mutable_text());
  return decision.SerializeAsString();
}

}  // namespace gate::policy
