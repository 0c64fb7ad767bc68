// The MTA's side of a scenario: an Engine with a fake clock and an empty
// store, the macros of an MTA, and the record of each event.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/clock.h"
#include "policy/engine.h"
#include "policy/event.h"
#include "policy/event_log.h"
#include "policy/memory_store.h"
#include "policy/scenario.h"
#include "policy/session.h"
#include "policy/statistics.h"
#include "rules/ip_address.h"

namespace gate::policy {

struct ScenarioClient {
  rules::IpAddress address;
  std::string name;  // empty: the address has none
  bool verified = true;
  uint16_t port = 12345;
  std::string listener;  // empty: the socket has no name
};

struct ScenarioTls {
  std::string version;
  std::string cipher = "TLS_AES_256_GCM_SHA384";
  std::string bits = "256";
  std::string subject;
  std::string issuer;
  bool verified = false;
};

// Later macros replace earlier ones; an empty value is one not sent.
class ScenarioMacros : public MacroSource {
 public:
  std::optional<std::string_view> Macro(std::string_view name) const override;
  void Set(std::string_view name, std::string_view value);

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// What the engine logs during one event.
class ScenarioLog : public EventLog {
 public:
  void Decided(const Decision& decision) noexcept override;
  void MacroMissing(const MissingMacro&) noexcept override {}
  // Hands over and forgets what came since the last call.
  void MoveTo(ScenarioEvent& event);

 private:
  std::vector<std::string> shadow_;
  std::vector<std::string> logged_;
  std::string not_given_;
};

// Thread-compatible.
class ScenarioMta {
 public:
  ScenarioMta(std::shared_ptr<const rules::Policy> policy,
              const ScenarioOptions& options);

  void Advance(int64_t us) { clock_.Advance(us); }
  // Stays for the whole scenario, whatever the client does.
  void OverrideMacro(std::string_view name, std::string_view value);
  // For the rest of the connection.
  void StartTls(const ScenarioTls& tls);
  void Authenticate(std::string_view user, std::string_view method,
                    std::string_view author);

  ScenarioEvent Connect(const ScenarioClient& client);
  ScenarioEvent Helo(std::string_view name);
  ScenarioEvent Mail(std::string_view path,
                     std::span<const std::string> parameters);
  ScenarioEvent Rcpt(std::string_view path,
                     std::span<const std::string> parameters);
  ScenarioEvent Data();
  void AddHeader(std::string_view name, std::string_view value);
  ScenarioEvent EndOfHeaders();
  ScenarioEvent EndOfMessage(std::string_view body);
  ScenarioEvent Reset();       // RSET
  ScenarioEvent Disconnect();  // forgets TLS and login

  // Edits of the message that ended last.
  std::span<const HeaderEdit> edits() const { return session_.edits(); }
  // The conditions of a rule with the values that they have now.
  ScenarioEvent::RuleTrace Trace(const rules::Rule& rule);
  const rules::Policy& policy() const { return *policy_; }

 private:
  void ClearClientMacros();
  void SetMacro(std::string_view name, std::string_view value);
  template <class SmtpEvent>
  ScenarioEvent Play(rules::Stage stage, std::string what,
                     const SmtpEvent& smtp_event);
  ScenarioEvent AfterEnd(std::string what);
  void RecordVerdict(const Verdict& verdict, ScenarioEvent& event);
  void RecordEffects(ScenarioEvent& event);
  void RecordTrace(ScenarioEvent& event);

  std::shared_ptr<const rules::Policy> policy_;
  ScenarioOptions options_;
  ManualClock clock_;
  Statistics statistics_;
  ScenarioLog log_;
  References references_{/*node=*/0};
  MemoryStore store_;
  Engine engine_;
  Session session_;
  rules::MatchState trace_state_;
  ScenarioMacros macros_;
  std::set<std::string, std::less<>> overrides_;  // macros
};

}  // namespace gate::policy
