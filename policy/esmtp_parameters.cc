#include "policy/esmtp_parameters.h"

#include <array>
#include <charconv>
#include <string>

#include "rules/ascii.h"
#include "rules/domain_name.h"

namespace gate::policy {
namespace {

using rules::FactId;

enum class Form {
  kSize,   // digits
  kUpper,  // a word of the protocol, whatever the case
  kFlag,   // no value
  kXtext,  // RFC 3461 4
};

struct Parameter {
  std::string_view keyword;
  FactId fact;
  Form form;
};

constexpr std::array<Parameter, 8> kParameters = {{
    {"SIZE", FactId::kSenderSize, Form::kSize},
    {"BODY", FactId::kSenderBody, Form::kUpper},
    {"SMTPUTF8", FactId::kSenderSmtputf8, Form::kFlag},
    {"RET", FactId::kSenderRet, Form::kUpper},
    {"ENVID", FactId::kSenderEnvid, Form::kXtext},
    {"AUTH", FactId::kSenderAuth, Form::kXtext},
    {"NOTIFY", FactId::kRcptNotify, Form::kUpper},
    {"ORCPT", FactId::kRcptOrcpt, Form::kXtext},
}};

// Bytes of an argument that are looked at: MTAs take shorter lines.
constexpr size_t kMaxValue = 2048;

int HexDigit(char c) {
  if (rules::IsAsciiDigit(c)) return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// "+" and two upper-case hexadecimal digits are a byte; a "+" without them is
// itself.
void DecodeXtext(std::string_view text, std::string& out) {
  out.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && i + 2 < text.size()) {
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high << 4 | low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
}

void SetText(FactId fact, std::string_view text, rules::FactSet& facts) {
  thread_local std::string clean;  // scratch: keeps its memory
  rules::MakeValidUtf8(text, clean);
  facts.SetText(fact, clean);
}

void SetParameter(const Parameter& parameter, std::string_view value,
                  rules::FactSet& facts) {
  thread_local std::string decoded;  // scratch: keeps its memory
  if (parameter.form == Form::kFlag) {
    return facts.SetFlag(parameter.fact, true);
  }
  if (value.empty()) return;
  value = value.substr(0, kMaxValue);
  switch (parameter.form) {
    case Form::kSize: {
      int64_t size = 0;
      const char* end = value.data() + value.size();
      const auto result = std::from_chars(value.data(), end, size);
      if (result.ec == std::errc() && result.ptr == end && size >= 0) {
        facts.SetNumber(parameter.fact, size);
      }
      return;
    }
    case Form::kUpper:
      decoded.assign(value);
      for (char& c : decoded) c = rules::ToUpperAscii(c);
      return SetText(parameter.fact, decoded, facts);
    case Form::kXtext:
      DecodeXtext(value, decoded);
      return SetText(parameter.fact, decoded, facts);
    case Form::kFlag:
      return;
  }
}

}  // namespace

void SetParameters(std::span<const std::string_view> parameters,
                   rules::Stage stage, rules::FactSet& facts) {
  for (const std::string_view text : parameters) {
    const size_t equals = text.find('=');
    const std::string_view keyword = text.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos
                                       ? std::string_view()
                                       : text.substr(equals + 1);
    for (const Parameter& parameter : kParameters) {
      if (rules::Info(parameter.fact).stage == stage &&
          rules::EqualFolded(parameter.keyword, keyword)) {
        SetParameter(parameter, value, facts);
      }
    }
  }
}

}  // namespace gate::policy
