#include "policy/record_mask.h"

#include <algorithm>
#include <vector>

#include "decision.pb.h"
#include "rules/ascii.h"
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

// Whether the character is behind an odd number of backslashes.
bool IsEscaped(std::string_view text, size_t at) {
  size_t begin = at;
  while (begin > 0 && text[begin - 1] == '\\') --begin;
  return (at - begin) % 2 != 0;
}

// Where the quoted string begins that ends with the quote at `end`.
size_t QuoteBegin(std::string_view text, size_t end) {
  for (size_t at = end; at-- > 0;) {
    if (text[at] == '"' && !IsEscaped(text, at)) return at;
  }
  return end;  // it has no begin
}

// Where the local part begins that ends at `at`.
size_t LocalPartBegin(std::string_view text, size_t at) {
  size_t begin = at;
  if (begin > 0 && text[begin - 1] == '"') return QuoteBegin(text, begin - 1);
  while (begin > 0 && !EndsLocalPart(text[begin - 1])) --begin;
  return begin;
}

// Local parts that the record's addresses have: they stand in texts and keys
// also without an @.
class LocalParts {
 public:
  // Of an address, or of one without a domain; with or without brackets.
  void Add(std::string_view address) {
    if (address.starts_with('<')) address.remove_prefix(1);
    if (address.ends_with('>')) address.remove_suffix(1);
    const std::string_view local = address.substr(0, address.rfind('@'));
    if (!local.empty()) parts_.emplace_back(local);
    // The longest first: others may be pieces of it.
    std::sort(parts_.begin(), parts_.end(),
              [](const auto& a, const auto& b) { return a.size() > b.size(); });
  }

  // A * in place of a key's part, one of those joined by NUL, that is one.
  void MaskKey(std::string& key) const {
    std::string masked;
    for (size_t at = 0; at <= key.size();) {
      const size_t end = std::min(key.find('\0', at), key.size());
      const std::string_view part = std::string_view(key).substr(at, end - at);
      if (at > 0) masked.push_back('\0');
      masked += Knows(part) ? "*" : part;
      at = end + 1;
    }
    key = std::move(masked);
  }

  // A * in place of each that stands by itself in a text.
  void Mask(std::string& text) const {
    for (const std::string& part : parts_) MaskOne(part, text);
  }

 private:
  bool Knows(std::string_view text) const {
    return std::any_of(parts_.begin(), parts_.end(), [text](const auto& part) {
      return rules::EqualFolded(text, part);
    });
  }
  static bool IsWord(char c) {
    return rules::IsAsciiAlnum(c) || static_cast<unsigned char>(c) >= 0x80;
  }
  static void MaskOne(std::string_view part, std::string& text) {
    for (size_t at = 0; at + part.size() <= text.size();) {
      const size_t end = at + part.size();
      const bool apart = (at == 0 || !IsWord(text[at - 1])) &&
                         (end == text.size() || !IsWord(text[end]));
      if (apart && rules::EqualFolded(
                       std::string_view(text).substr(at, part.size()), part)) {
        text.replace(at, part.size(), 1, '*');
      }
      ++at;
    }
  }

  std::vector<std::string> parts_;
};

void Mask(std::string& text) { text = MaskLocalParts(text); }

// Facts that are an address, or typed as one, whether with a domain or not.
bool IsAddress(uint32_t number) {
  if (number == 0 || number > rules::kFactCount) return false;
  const auto id = static_cast<rules::FactId>(number - 1);
  return rules::Info(id).type == rules::FactType::kMailbox ||
         id == rules::FactId::kSenderRaw || id == rules::FactId::kRcptRaw ||
         id == rules::FactId::kRcptOrcpt || id == rules::FactId::kSenderAuth ||
         id == rules::FactId::kAuthAuthor;
}

// All that is before the last @ of an address, however it is written: what is
// typed as one need not be one.
std::string MaskAddress(std::string_view address) {
  const size_t at = address.rfind('@');
  if (at == std::string_view::npos) return "*";
  const std::string begin = address.starts_with('<') ? "<" : "";
  const std::string star = at == begin.size() ? "" : "*";
  return begin + star + std::string(address.substr(at));
}

void MaskFact(v1::Fact& fact) {
  if (fact.text().empty() || fact.text() == "<>") return;
  if (IsAddress(fact.id())) {
    fact.set_text(MaskAddress(fact.text()));
  } else {
    Mask(*fact.mutable_text());
  }
}

// As they are before they are masked. The null sender has none.
LocalParts LocalPartsOf(const v1::Decision& decision) {
  LocalParts parts;
  for (const v1::Fact& fact : decision.facts()) {
    if (IsAddress(fact.id())) parts.Add(fact.text());
  }
  return parts;
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
  const LocalParts parts = LocalPartsOf(decision);
  const auto mask = [&parts](std::string& text) {
    parts.Mask(text);
    Mask(text);
  };
  for (v1::Fact& fact : *decision.mutable_facts()) MaskFact(fact);
  mask(*decision.mutable_text());
  for (v1::StoreAnswer& answer : *decision.mutable_answers()) {
    Mask(*answer.mutable_subject());
    parts.MaskKey(*answer.mutable_subject());
  }
  for (v1::Note& note : *decision.mutable_notes()) mask(*note.mutable_text());
  return decision.SerializeAsString();
}

}  // namespace gate::policy
