// A visitor of the load test: one session after the other, ordinary and
// hostile ones, as its seed has it; it knows what each answer must be and
// counts which rules of the load policy must have held.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "tests/mta/load_policy.h"
#include "tests/mta/smtp_client.h"

namespace gate::mta {

// Thread-compatible; it outlives neither `editions` nor the Postfix at `port`.
class LoadVisitor {
 public:
  using Time = std::chrono::steady_clock::time_point;

  LoadVisitor(int port, uint64_t seed, const Editions& editions);

  // Plays sessions until `end`, or until an answer is wrong.
  void PlayUntil(Time end);

  // Empty: every answer was right.
  const std::string& fault() const { return fault_; }
  int sessions() const { return sessions_; }
  // Stage and label of each rule that held, and how often.
  const std::map<std::pair<std::string, std::string>, int64_t>& held() const {
    return held_;
  }
  // The messages that must have been delivered to relay.test: the recipient,
  // and the oldest and the newest edition that may have edited it.
  const std::map<std::string, std::pair<int, int>>& kept() const {
    return kept_;
  }

 private:
  using Play = void (LoadVisitor::*)();
  static const Play kPlays[];

  void PlaySession();
  // The plays. Each begins with Arrive; Vanish closes the connection.
  void WriteMessages();
  void BeEdited();
  void ChangeItsMind();
  void TryToRelay();
  void RelayAsNeighbour();
  void Hurry();
  void StepIntoTrap();
  void ComeFromBlockedNetwork();
  void ForgeHelo();
  void SendBadContent();
  void Vanish();

  void Arrive(const Visitor& visitor);
  void Deliver(const std::string& rcpt, const std::string& message);
  void ExpectRelayDenied(const std::string& rcpt);

  void Expect(const Reply& reply, std::string_view text);
  void ExpectCode(const Reply& reply, int code);
  void Fail(const std::string& fault);
  void Held(const char* stage, const char* label) { ++held_[{stage, label}]; }

  void CountMessage();  // one was taken

  size_t Below(size_t n) { return random_() % n; }
  // A visitor whose address no other one has.
  Visitor Stranger();

  const int port_;
  const uint64_t seed_;
  const Editions& editions_;
  std::mt19937_64 random_;
  std::optional<SmtpClient> client_;  // while a session goes on
  int strangers_ = 0;
  int sessions_ = 0;
  // What this connection may have been given.
  int oldest_edition_ = 0;
  int newest_edition_ = 0;
  std::string fault_;
  std::map<std::pair<std::string, std::string>, int64_t> held_;
  std::map<std::string, std::pair<int, int>> kept_;
};

}  // namespace gate::mta
