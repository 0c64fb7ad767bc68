#include "rules/fact_text.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "rules/source.h"

namespace gate::rules {
namespace {

// Longer values are cut: a trace is read on a terminal.
constexpr size_t kMaxValueBytes = 200;

bool IsText(FactType type) {
  return type == FactType::kText || type == FactType::kDomain ||
         type == FactType::kMailbox;
}

void AppendHex(std::string_view bytes, std::string& out) {
  for (const char byte : bytes) {
    absl::StrAppendFormat(&out, "\\x%02x", static_cast<uint8_t>(byte));
  }
}

void AppendQuoted(std::string_view text, std::string& out) {
  out += '"';
  const size_t begin = out.size();
  while (!text.empty() && out.size() - begin < kMaxValueBytes) {
    const size_t size = Utf8CharacterSize(text);
    if (size == 0 || !IsHarmless(text.substr(0, size))) {
      AppendHex(text.substr(0, std::max(size, size_t{1})), out);
    } else {
      if (text[0] == '"' || text[0] == '\\') out += '\\';
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max(size, size_t{1}));
  }
  out += text.empty() ? "\"" : "\" ...";
}

std::string FactName(const FactInfo& info, std::string_view header_name) {
  if (!info.indexed) return std::string(info.name);
  return absl::StrFormat("%s[\"%s\"]", info.name, header_name);
}

std::string MissingValue(const FactInfo& info, Presence presence) {
  if (presence == Presence::kAbsent) return "absent";
  return absl::StrFormat("unknown (the MTA never sends %s)", info.macros);
}

void AppendHeaders(const FactSet& facts, HeaderId header, std::string& out) {
  for (size_t i = 0; i < facts.header_count(header); ++i) {
    if (i > 0) out += ", ";
    AppendQuoted(facts.header(header, i), out);
  }
}

}  // namespace

std::string FactText(FactId fact, HeaderId header, std::string_view header_name,
                     const FactSet& facts) {
  const FactInfo& info = Info(fact);
  const bool is_header = fact == FactId::kHeader;
  if (is_header && facts.header_count(header) == 0) return "absent";
  if (!info.indexed && !facts.present(fact))
    return MissingValue(info, facts.presence(fact));
  std::string out = FactName(info, header_name) + " = ";
  if (is_header) {
    AppendHeaders(facts, header, out);
  } else if (IsText(info.type)) {
    AppendQuoted(facts.text(fact), out);
  } else {
    facts.AppendValue(fact, header, out);
  }
  return out;
}

}  // namespace gate::rules
