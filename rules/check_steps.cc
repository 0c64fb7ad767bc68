#include "rules/check_steps.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "rules/check_context.h"
#include "rules/check_expectations.h"
#include "rules/check_names.h"
#include "rules/mail_address.h"

namespace gate::rules {
namespace {

using Kind = ast::Step::Kind;
using LiteralKind = ast::Literal::Kind;

constexpr int64_t kMaxPort = 65535;

// An argument of MAIL or RCPT and the values it takes; none: see `form`.
struct Parameter {
  std::string_view keyword;
  enum class Form { kAny, kNone, kNumber, kOneOf } form = Form::kAny;
  std::span<const std::string_view> values;
};

constexpr std::string_view kBodies[] = {"7BIT", "8BITMIME", "BINARYMIME"};
constexpr std::string_view kReturns[] = {"FULL", "HDRS"};
constexpr Parameter kMailParameters[] = {
    {"SIZE", Parameter::Form::kNumber, {}},
    {"BODY", Parameter::Form::kOneOf, kBodies},
    {"SMTPUTF8", Parameter::Form::kNone, {}},
    {"RET", Parameter::Form::kOneOf, kReturns},
    {"ENVID", Parameter::Form::kAny, {}},
    {"AUTH", Parameter::Form::kAny, {}},
};
constexpr Parameter kRcptParameters[] = {
    {"NOTIFY", Parameter::Form::kAny, {}},
    {"ORCPT", Parameter::Form::kAny, {}},
};

std::string Upper(std::string_view text) {
  std::string upper(text);
  absl::AsciiStrToUpper(&upper);
  return upper;
}

bool IsNumber(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

bool Takes(const Parameter& parameter, bool has_value, std::string_view value) {
  switch (parameter.form) {
    case Parameter::Form::kAny:
      return has_value && !value.empty();
    case Parameter::Form::kNone:
      return !has_value;
    case Parameter::Form::kNumber:
      return IsNumber(value);
    case Parameter::Form::kOneOf:
      return std::find(parameter.values.begin(), parameter.values.end(),
                       Upper(value)) != parameter.values.end();
  }
  return false;
}

// What has happened in the session before a step.
enum class Phase { kConnected, kMail, kRcpt, kContent };

// Steps in an order that SMTP allows.
class StepCheck {
 public:
  explicit StepCheck(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void Check(const ast::Step& step) {
    CheckOrder(step);
    CheckWords(step);
  }

 private:
  void Fault(const SourceRange& range, std::string text,
             std::string_view help = {}) {
    diagnostics_.Error(DiagnosticId::kBadStep, range, std::move(text)).help =
        help;
  }

  void OutOfOrder(const ast::Step& step, std::string_view text) {
    diagnostics_.Error(DiagnosticId::kStepOutOfOrder, step.range,
                       std::string(text));
  }

  void CheckOrder(const ast::Step& step) {
    switch (step.kind) {
      case Kind::kClient:
      case Kind::kNewConnection:
      case Kind::kHelo:
      case Kind::kRset:
        phase_ = Phase::kConnected;
        return;
      case Kind::kMail:
        phase_ = Phase::kMail;
        return;
      case Kind::kRcpt:
        return CheckRcptOrder(step);
      case Kind::kData:
      case Kind::kHeader:
      case Kind::kBody:
        return CheckContentOrder(step);
      case Kind::kTls:
      case Kind::kAuth:
        if (phase_ == Phase::kMail || phase_ == Phase::kRcpt) {
          OutOfOrder(step, "a client says this before `mail`");
        }
        return;
      case Kind::kMacros:
      case Kind::kAfter:
        return;
    }
  }

  void CheckRcptOrder(const ast::Step& step) {
    if (phase_ == Phase::kConnected || phase_ == Phase::kContent) {
      OutOfOrder(step, "`rcpt` without `mail` before it");
    }
    phase_ = Phase::kRcpt;
  }

  // A message ends at its body; what follows needs a new `mail`.
  void CheckContentOrder(const ast::Step& step) {
    if (phase_ == Phase::kConnected || phase_ == Phase::kMail) {
      OutOfOrder(step, "a message without `mail` and `rcpt` before it");
    }
    if (phase_ == Phase::kContent && step.kind == Kind::kData) {
      OutOfOrder(step, "the message has begun already");
    }
    phase_ = step.kind == Kind::kBody ? Phase::kConnected : Phase::kContent;
  }

  void CheckWords(const ast::Step& step) {
    switch (step.kind) {
      case Kind::kClient:
      case Kind::kTls:
        return CheckOptions(step);
      case Kind::kMacros:
        return CheckMacros(step);
      case Kind::kMail:
        CheckPath(step.words[0], /*may_be_null=*/true);
        return CheckParameters(step, kMailParameters);
      case Kind::kRcpt:
        CheckPath(step.words[0], /*may_be_null=*/false);
        return CheckParameters(step, kRcptParameters);
      case Kind::kHeader:
        if (!IsHeaderName(step.words[0].text)) {
          diagnostics_.Error(
              DiagnosticId::kBadHeaderName, step.words[0].range,
              absl::StrFormat("`%s` is no header name", step.words[0].text));
        }
        return;
      default:
        return;
    }
  }

  void CheckOptions(const ast::Step& step) {
    for (const auto& [name, value] : step.options) {
      if (name.text != "port" && name.text != "bits") continue;
      if (value.kind == LiteralKind::kNumber && value.number <= kMaxPort) {
        continue;
      }
      Fault(value.range, absl::StrFormat("%s is a number from 0 to %d",
                                         Quoted(name.text), kMaxPort));
    }
  }

  // Names as the MTA's configuration writes them: j, {client_ptr}.
  void CheckMacros(const ast::Step& step) {
    for (size_t i = 0; i < step.words.size(); i += 2) {
      const std::string_view name = step.words[i].text;
      const bool braced = name.size() > 2 && name.starts_with('{') &&
                          name.find('}') == name.size() - 1;
      if (braced || name.size() == 1) continue;
      Fault(step.words[i].range, absl::StrFormat("`%s` is no macro", name),
            "macros are one letter, or a name in braces: "
            "`\"{client_ptr}\"`");
    }
  }

  // Every path that an MTA lets through, odd ones included: the facts of
  // routed addresses want tests, too.
  void CheckPath(const ast::Literal& path, bool may_be_null) {
    if (path.text.empty()) {
      if (!may_be_null) Fault(path.range, "`rcpt` needs a recipient");
      return;
    }
    MailAddress address;
    ParseMailAddress(FirstOfRanges(path.text), address);
    if (address.valid || address.routed) return;
    diagnostics_.Error(DiagnosticId::kBadMailbox, path.range,
                       absl::StrFormat("`%s` is no mail address", path.text));
  }

  // u{1..200}@x -> u1@x
  static std::string FirstOfRanges(std::string_view text) {
    std::string out;
    while (!text.empty()) {
      const size_t open = text.find('{');
      out += text.substr(0, open);
      if (open == std::string_view::npos) break;
      text.remove_prefix(open + 1);
      out += text.substr(0, text.find(".."));
      text.remove_prefix(std::min(text.size(), text.find('}') + 1));
    }
    return out;
  }

  void CheckParameters(const ast::Step& step,
                       std::span<const Parameter> known) {
    for (size_t i = 1; i < step.words.size(); ++i) {
      CheckParameter(step.words[i], known);
    }
  }

  void CheckParameter(const ast::Literal& word,
                      std::span<const Parameter> known) {
    const std::string_view text = word.text;
    const size_t equals = text.find('=');
    const std::string keyword = Upper(text.substr(0, equals));
    const bool has_value = equals != std::string_view::npos;
    const auto found = std::find_if(
        known.begin(), known.end(),
        [&](const Parameter& one) { return one.keyword == keyword; });
    if (found == known.end()) {
      std::string help;
      for (const Parameter& one : known) {
        help += (help.empty() ? "known here are " : ", ");
        help += Quoted(one.keyword);
      }
      Fault(word.range, absl::StrFormat("unknown argument `%s`", text), help);
    } else if (!Takes(*found, has_value,
                      has_value ? text.substr(equals + 1) : "")) {
      Fault(word.range,
            absl::StrFormat("`%s` is no value of %s", text, keyword));
    }
  }

  Diagnostics& diagnostics_;
  Phase phase_ = Phase::kConnected;
};

}  // namespace

void CheckSteps(const ast::Test& test, Diagnostics& diagnostics) {
  StepCheck check(diagnostics);
  for (const ast::Step& step : test.steps) {
    check.Check(step);
    CheckExpectationForms(step, diagnostics);
  }
}

}  // namespace gate::rules
