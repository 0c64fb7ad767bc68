// Plays the steps of one scenario: what SMTP implies between them, and what
// an MTA would not ask about any more.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/scenario.h"
#include "policy/scenario_check.h"
#include "policy/scenario_mta.h"
#include "rules/ast.h"
#include "rules/policy.h"

namespace gate::policy {

// Use once. Thread-compatible.
class ScenarioPlayer {
 public:
  // `test` outlives the player.
  ScenarioPlayer(std::shared_ptr<const rules::Policy> policy,
                 const rules::ast::Test& test, const ScenarioOptions& options);
  ScenarioResult Run();

 private:
  // Where the SMTP session stands.
  enum class Phase {
    kIdle,      // no message
    kEnvelope,  // MAIL was played
    kContent,   // DATA was not refused
    kEnded,     // the message's last event was played
  };

  void Play();
  void PlayClient();
  void PlayHelo(const std::string& name);
  void PlayTls();
  void PlayMacros();
  void PlayMail();
  void PlayRcpt();
  void PlayData();
  void PlayHeader();
  void PlayBody();
  void PlayReset();

  void EnsureConnected();
  void Connect();
  void Disconnect();
  // Plays DATA if it was not; false when no content can follow.
  bool EnsureContent();
  // Why DATA cannot be played; empty: it can.
  std::string_view WhyNoData() const;
  void EndMessage(std::string_view body);
  // Ends a message that has no body, and checks what was expected of it.
  void FinishMessage();
  const ScenarioEvent& Record(ScenarioEvent event);

  ScenarioMta mta_;
  ScenarioJudge judge_{mta_};
  const rules::ast::Test& test_;
  std::vector<ScenarioEvent> events_;
  const rules::ast::Step* step_ = nullptr;
  bool more_content_ = false;  // the next step is a header or the body
  ScenarioClient client_;
  std::string helo_;  // empty: not greeted
  bool connected_ = false;
  std::string_view closed_;   // why the connection takes no more
  std::string_view refused_;  // why the message takes no more
  Phase phase_ = Phase::kIdle;
  size_t recipients_ = 0;  // accepted
  // The first event of the content that was not accepted, else the last one.
  std::optional<ScenarioEvent> outcome_;
  // Steps whose expectations the outcome has to meet.
  std::vector<const rules::ast::Step*> pending_;
};

}  // namespace gate::policy
