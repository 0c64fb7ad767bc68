// One connection of the MTA, for every door: its arguments become events, the
// engine's verdicts become what the door must answer. Owns the Session.
//
// Knows no libmilter type. Does not wait for the store: that is the door's.
// Events come in the order of SMTP, or in any other: a door need not check.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "milter/header_changes.h"
#include "milter/reply.h"
#include "policy/engine.h"
#include "policy/session.h"
#include "policy/statistics.h"
#include "policy/store.h"

namespace gate::milter {

// What the MTA is to be told about one event.
enum class Response : uint8_t {
  kContinue,
  kReject,  // reply() is set
  kDefer,   // reply() is set; without lines: the MTA's own text will do
  kDiscard,
  kSkipBody,  // no more chunks are wanted
  kPending,   // the store is asked: Resume says
};

// How a door waits for the store.
class Answers : public policy::Waiter {
 public:
  // Asked right after Submit. True: Done has come. False: it comes later, and
  // the door then calls Connection::Resume.
  virtual bool Await() noexcept = 0;
};

// Confined to one connection; its callbacks may come on different threads, one
// after the other.
class Connection {
 public:
  // Pins the policy. Requires: the collaborators outlive the connection.
  Connection(policy::Engine& engine, policy::Store& store,
             policy::Statistics& statistics, Answers& answers);
  // Begins anew after Close, with the newest policy; memory is kept.
  void Open();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The policy that this connection is pinned to: for the negotiation.
  const rules::Policy& policy() const { return session_.policy(); }
  const Reply& reply() const { return reply_; }

  // kPending only if Answers do not wait. Between kPending and Resume nothing
  // else may be called, and the connection stays in place.
  Response Connect(const policy::ConnectEvent& event) noexcept;
  Response Helo(const policy::HeloEvent& event) noexcept;
  Response Mail(const policy::MailEvent& event) noexcept;
  Response Rcpt(const policy::RcptEvent& event) noexcept;
  Response Data(const policy::DataEvent& event) noexcept;
  // Only collects.
  void Header(std::string_view name, std::string_view value) noexcept;
  Response Headers(const policy::HeadersEvent& event) noexcept;
  // kContinue or kSkipBody.
  Response Body(std::string_view chunk) noexcept;
  // After kContinue the door carries out changes() and quarantine().
  Response Message(const policy::MessageEvent& event) noexcept;
  // What became of the event that was kPending.
  // Requires: Answers::Done has come.
  Response Resume() noexcept;
  // The message ends otherwise; idempotent, at any time.
  void Abort() noexcept;
  // Idempotent; the connection is over.
  void Close() noexcept;

  std::span<const HeaderChange> changes() const { return changes_.list(); }
  // A reason when the message is to be quarantined; empty otherwise.
  const std::string& quarantine() const { return quarantine_; }

 private:
  template <class Event>
  Response Decide(rules::Stage stage, const Event& event) noexcept;
  // The event's verdict, encoded.
  Response Finish() noexcept;
  Response Encode(const policy::Verdict& verdict);
  void PostEffects();
  void ForgetMessage();
  // gatemilter's own failure: counted; the policy says what the MTA is told.
  Response Fail() noexcept;

  policy::Engine& engine_;
  policy::Store& store_;
  policy::Statistics& statistics_;
  policy::Session session_;
  Answers& answers_;
  rules::Stage stage_ = rules::Stage::kConnect;  // of the event
  std::chrono::steady_clock::time_point event_began_;
  std::chrono::steady_clock::time_point asked_;
  HeaderChanges changes_;
  Reply reply_;
  std::string quarantine_;
  // A header or a part of the body was lost: the message is not known.
  bool content_lost_ = false;
};

}  // namespace gate::milter
