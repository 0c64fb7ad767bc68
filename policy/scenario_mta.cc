#include "policy/scenario_mta.h"

#include <cassert>
#include <utility>

#include "absl/strings/str_format.h"
#include "policy/scenario_text.h"

namespace gate::policy {
namespace {

using rules::Stage;

// The memory store answers before Submit returns.
class NoWaiter : public Waiter {
 public:
  void Done(Batch&) noexcept override {}
};

// Macros that an MTA sends whoever the client is. The version is Sendmail's:
// it alone says with {verify} whether a certificate was verified.
constexpr std::pair<std::string_view, std::string_view> kServerMacros[] = {
    {"j", "mx.example.test"},
    {"v", "8.17.1.9"},
    {"{daemon_name}", "smtpd"},
    {"{daemon_addr}", "192.0.2.25"},
    {"{daemon_port}", "25"},
    {"{if_addr}", "192.0.2.25"},
    {"{if_name}", "mx.example.test"},
    {"{rcpt_mailer}", "smtp"},
    {"i", "4SCENARIO1"},
};

constexpr std::string_view kClientMacros[] = {
    "{tls_version}",  "{cipher}",      "{cipher_bits}",
    "{cert_subject}", "{cert_issuer}", "{verify}",
    "{auth_type}",    "{auth_authen}", "{auth_author}",
};

std::vector<std::string_view> Views(std::span<const std::string> texts) {
  return {texts.begin(), texts.end()};
}

std::string Command(std::string_view verb, std::string_view path,
                    std::span<const std::string> parameters) {
  std::string what = absl::StrFormat("%s %s", verb, path);
  for (const std::string& parameter : parameters) {
    absl::StrAppendFormat(&what, " %s", parameter);
  }
  return what;
}

}  // namespace

std::optional<std::string_view> ScenarioMacros::Macro(
    std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

void ScenarioMacros::Set(std::string_view name, std::string_view value) {
  values_.insert_or_assign(std::string(name), std::string(value));
}

void ScenarioLog::Decided(const Decision& decision) noexcept {
  for (const Note& note : decision.session.notes()) {
    if (note.rule->shadow) {
      shadow_.push_back(note.rule->label);
    } else if (note.rule->action == rules::Action::kLog) {
      logged_.push_back(note.text);
    }
  }
  if (!decision.given && decision.verdict.rule) {
    not_given_ = decision.verdict.rule->label;
  }
}

void ScenarioLog::MoveTo(ScenarioEvent& event) {
  event.shadow = std::exchange(shadow_, {});
  event.logged = std::exchange(logged_, {});
  event.not_given = std::exchange(not_given_, {});
}

ScenarioMta::ScenarioMta(std::shared_ptr<const rules::Policy> policy,
                         const ScenarioOptions& options)
    : policy_(std::move(policy)),
      options_(options),
      engine_(clock_, statistics_, log_, references_) {
  engine_.Install(policy_);
  for (const auto& [name, value] : kServerMacros) macros_.Set(name, value);
}

void ScenarioMta::SetMacro(std::string_view name, std::string_view value) {
  if (!overrides_.contains(name)) macros_.Set(name, value);
}

void ScenarioMta::OverrideMacro(std::string_view name, std::string_view value) {
  macros_.Set(name, value);
  overrides_.emplace(name);
}

void ScenarioMta::StartTls(const ScenarioTls& tls) {
  SetMacro("{tls_version}", tls.version);
  SetMacro("{cipher}", tls.cipher);
  SetMacro("{cipher_bits}", tls.bits);
  SetMacro("{cert_subject}", tls.subject);
  SetMacro("{cert_issuer}", tls.issuer);
  SetMacro("{verify}", tls.verified ? "OK" : "NO");
}

void ScenarioMta::Authenticate(std::string_view user, std::string_view method,
                               std::string_view author) {
  SetMacro("{auth_authen}", user);
  SetMacro("{auth_type}", method);
  SetMacro("{auth_author}", author);
}

void ScenarioMta::ClearClientMacros() {
  for (const std::string_view name : kClientMacros) SetMacro(name, {});
}

ScenarioEvent ScenarioMta::Connect(const ScenarioClient& client) {
  const std::string address = client.address.ToString();
  const bool named = !client.name.empty();
  const bool verified = named && client.verified;
  SetMacro("{client_addr}", address);
  SetMacro("{client_name}", verified ? client.name : "unknown");
  SetMacro("{client_ptr}", named ? client.name : "unknown");
  SetMacro("{client_resolve}", verified ? "OK" : "FAIL");
  SetMacro("{client_port}", absl::StrFormat("%u", client.port));
  engine_.Open(session_);
  const std::string host =
      verified ? client.name : absl::StrFormat("[%s]", address);
  std::string what = absl::StrFormat("client %s", address);
  if (named) absl::StrAppendFormat(&what, " \"%s\"", client.name);
  return Play(Stage::kConnect, std::move(what),
              ConnectEvent{.macros = macros_,
                           .host = host,
                           .address = client.address,
                           .port = client.port,
                           .listener = client.listener});
}

ScenarioEvent ScenarioMta::Helo(std::string_view name) {
  return Play(Stage::kHelo, absl::StrFormat("helo \"%s\"", name),
              HeloEvent{.macros = macros_, .name = name});
}

ScenarioEvent ScenarioMta::Mail(std::string_view path,
                                std::span<const std::string> parameters) {
  const std::vector<std::string_view> views = Views(parameters);
  return Play(Stage::kMail, Command("mail", path, parameters),
              MailEvent{.macros = macros_, .path = path, .parameters = views});
}

ScenarioEvent ScenarioMta::Rcpt(std::string_view path,
                                std::span<const std::string> parameters) {
  const std::vector<std::string_view> views = Views(parameters);
  return Play(Stage::kRcpt, Command("rcpt", path, parameters),
              RcptEvent{.macros = macros_, .path = path, .parameters = views});
}

ScenarioEvent ScenarioMta::Data() {
  return Play(Stage::kData, "data", DataEvent{.macros = macros_});
}

void ScenarioMta::AddHeader(std::string_view name, std::string_view value) {
  engine_.AddHeader(session_, name, value);
}

ScenarioEvent ScenarioMta::EndOfHeaders() {
  return Play(Stage::kHeaders, "headers", HeadersEvent{.macros = macros_});
}

ScenarioEvent ScenarioMta::EndOfMessage(std::string_view body) {
  if (!body.empty()) engine_.AddBody(session_, body);
  ScenarioEvent event =
      Play(Stage::kMessage, "message", MessageEvent{.macros = macros_});
  for (const HeaderEdit& edit : session_.edits()) {
    event.edits.push_back(DescribeEdit(edit));
  }
  return event;
}

ScenarioEvent ScenarioMta::Reset() {
  engine_.Abort(session_);
  return AfterEnd("rset");
}

ScenarioEvent ScenarioMta::Disconnect() {
  engine_.Close(session_);
  ClearClientMacros();
  return AfterEnd("end of connection");
}

ScenarioEvent ScenarioMta::AfterEnd(std::string what) {
  ScenarioEvent event;
  event.what = std::move(what);
  event.decided = false;
  RecordEffects(event);
  return event;
}

template <class SmtpEvent>
ScenarioEvent ScenarioMta::Play(Stage stage, std::string what,
                                const SmtpEvent& smtp_event) {
  ScenarioEvent event;
  event.what = std::move(what);
  event.stage = stage;
  if (engine_.Begin(session_, smtp_event) == Next::kAsk) {
    NoWaiter waiter;
    store_.Submit(session_.batch(), waiter);
    for (size_t i = 0; i < session_.batch().size(); ++i) {
      event.lookups.push_back(DescribeLookup(session_.batch()[i]));
    }
  }
  RecordVerdict(engine_.Decide(session_), event);
  log_.MoveTo(event);
  RecordEffects(event);
  if (options_.trace) RecordTrace(event);
  return event;
}

void ScenarioMta::RecordVerdict(const Verdict& verdict, ScenarioEvent& event) {
  event.action = verdict.action;
  event.code = verdict.code;
  event.enhanced = verdict.enhanced;
  event.text = verdict.text;
  event.kept = verdict.kept;
  event.repeat = verdict.repeat;
  if (!verdict.rule) return;
  event.rule = verdict.rule->label;
  event.rule_place =
      absl::StrFormat("%s:%u", verdict.rule->file, verdict.rule->line);
}

void ScenarioMta::RecordEffects(ScenarioEvent& event) {
  const Effects& effects = session_.effects();
  for (size_t i = 0; i < effects.size(); ++i) {
    event.effects.push_back(DescribeEffect(effects[i]));
  }
  store_.Post(effects);
}

void ScenarioMta::RecordTrace(ScenarioEvent& event) {
  if (event.repeat) return;
  for (const rules::Rule& rule : policy_->rules(event.stage)) {
    event.trace.push_back(Trace(rule));
    if (!event.rule.empty() && rule.label == event.rule) return;
  }
}

ScenarioEvent::RuleTrace ScenarioMta::Trace(const rules::Rule& rule) {
  const rules::MatchInput input{.facts = session_.facts(),
                                .lists = session_.lists(),
                                .store = session_.store_view()};
  return {.rule = rule.label,
          .truth = policy_->Holds(rule.id, input, trace_state_),
          .conditions = policy_->Explain(rule.id, input)};
}

}  // namespace gate::policy
