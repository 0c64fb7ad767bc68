#include "policy/key_subject.h"

#include <algorithm>
#include <cstdint>

#include "rules/ip_address.h"

namespace gate::policy {
namespace {

using rules::FactSet;
using rules::FactType;
using rules::IpAddress;
using rules::IpPrefix;
using rules::KeyPart;

bool IsText(FactType type) {
  return type == FactType::kText || type == FactType::kDomain ||
         type == FactType::kMailbox;
}

bool HasPart(const KeyPart& part, const FactSet& facts) {
  if (part.fact == rules::FactId::kHeader) {
    return facts.header_count(part.header) > 0;
  }
  if (!facts.present(part.fact)) return false;
  return !IsText(rules::Info(part.fact).type) || !facts.text(part.fact).empty();
}

void AppendPart(const KeyPart& part, const FactSet& facts, std::string& out) {
  if (!part.prefix) {
    facts.AppendValue(part.fact, part.header, out);
    return;
  }
  const IpAddress& address = facts.address(part.fact);
  const uint8_t family_bits = address.is_v4() ? 32 : 128;
  IpPrefix(address, std::min(*part.prefix, family_bits)).AppendTo(out);
}

}  // namespace

bool HasKey(std::span<const KeyPart> key, const FactSet& facts) {
  return std::ranges::all_of(
      key, [&](const KeyPart& part) { return HasPart(part, facts); });
}

void RenderKey(std::span<const KeyPart> key, const FactSet& facts,
               std::string& out) {
  out.clear();
  for (const KeyPart& part : key) {
    if (&part != key.data()) out.push_back('\0');
    AppendPart(part, facts, out);
  }
}

}  // namespace gate::policy
