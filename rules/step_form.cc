#include "rules/step_form.h"

#include <algorithm>
#include <array>
#include <limits>

namespace gate::rules {
namespace {

using Kind = ast::Step::Kind;
using Literal = ast::Literal::Kind;

constexpr size_t kMany = std::numeric_limits<size_t>::max();

constexpr std::array kClientOptions = {
    StepOption{"port"}, StepOption{"unverified", true}, StepOption{"listener"}};
constexpr std::array kTlsOptions = {StepOption{"cipher"}, StepOption{"bits"},
                                    StepOption{"subject"}, StepOption{"issuer"},
                                    StepOption{"verified", true}};
constexpr std::array kAuthOptions = {StepOption{"author"}};

// The first entry of a kind is how it is dumped.
constexpr std::array kForms = {
    StepForm{"client", Kind::kClient, 1, 2, Literal::kAddress,
             "an address and a name", kClientOptions},
    StepForm{"helo", Kind::kHelo, 1, 1, {}, "a name", {}},
    StepForm{"ehlo", Kind::kHelo, 1, 1, {}, "a name", {}},
    StepForm{"tls",
             Kind::kTls,
             1,
             1,
             {},
             "a version such as `\"TLSv1.3\"`",
             kTlsOptions},
    StepForm{
        "auth", Kind::kAuth, 1, 2, {}, "a user and a method", kAuthOptions},
    StepForm{"macros", Kind::kMacros, 2, kMany, {}, "names and values", {}},
    StepForm{"mail",
             Kind::kMail,
             1,
             kMany,
             Literal::kMailbox,
             "`<user@example.org>`",
             {}},
    StepForm{"rcpt",
             Kind::kRcpt,
             1,
             kMany,
             Literal::kMailbox,
             "`<user@example.org>`",
             {}},
    StepForm{"data", Kind::kData, 0, 0, {}, {}, {}},
    StepForm{"header", Kind::kHeader, 2, 2, {}, "a name and a value", {}},
    StepForm{"body", Kind::kBody, 0, 1, {}, "a text", {}},
    StepForm{"after",
             Kind::kAfter,
             1,
             1,
             Literal::kDuration,
             "a duration such as `18s`",
             {}},
    StepForm{"new", Kind::kNewConnection, 0, 0, {}, {}, {}},
    StepForm{"rset", Kind::kRset, 0, 0, {}, {}, {}},
};

constexpr std::array<std::string_view, 15> kStepWords = {
    "client", "helo",   "ehlo", "tls",   "auth", "macros", "mail",  "rcpt",
    "data",   "header", "body", "after", "new",  "rset",   "expect"};
static_assert(kStepWords.size() == kForms.size() + 1);

constexpr std::array<std::string_view, 5> kVerdictWords = {
    "accept", "reject", "defer", "discard", "quarantine"};

}  // namespace

const StepForm* FindStepForm(std::string_view word) {
  const auto* found =
      std::find_if(kForms.begin(), kForms.end(),
                   [&](const StepForm& form) { return form.word == word; });
  return found == kForms.end() ? nullptr : found;
}

const StepForm& FormOf(Kind kind) {
  return *std::find_if(kForms.begin(), kForms.end(),
                       [&](const StepForm& form) { return form.kind == kind; });
}

const StepOption* FindStepOption(const StepForm& form, std::string_view name) {
  for (const StepOption& option : form.options) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

std::span<const std::string_view> StepWords() { return kStepWords; }

std::span<const std::string_view> VerdictWords() { return kVerdictWords; }

}  // namespace gate::rules
