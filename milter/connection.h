// One connection of the MTA, for every door: its arguments become events, the
// engine's verdicts become what the door must answer. Owns the Session.
//
// Knows no libmilter type. Waits for the store, as libmilter's door may.
// Events come in the order of SMTP, or in any other: a door need not check.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/synchronization/mutex.h"
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
};

// Confined to one connection; its callbacks may come on different threads, one
// after the other.
class Connection {
 public:
  // Pins the policy. Requires: the collaborators outlive the connection.
  Connection(policy::Engine& engine, policy::Store& store,
             policy::Statistics& statistics);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The policy that this connection is pinned to: for the negotiation.
  const rules::Policy& policy() const { return session_.policy(); }
  const Reply& reply() const { return reply_; }

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
  // The message ends otherwise; idempotent, at any time.
  void Abort() noexcept;
  // Idempotent; the connection is over.
  void Close() noexcept;

  std::span<const HeaderChange> changes() const { return changes_.list(); }
  // A reason when the message is to be quarantined; empty otherwise.
  const std::string& quarantine() const { return quarantine_; }

 private:
  // Holds the thread until the store has answered.
  class Answers : public policy::Waiter {
   public:
    void Done(policy::Batch& batch) noexcept override;
    void Wait();

   private:
    absl::Mutex mutex_;
    bool done_ ABSL_GUARDED_BY(mutex_) = false;
  };

  template <class Event>
  Response Decide(const Event& event) noexcept;
  Response Encode(const policy::Verdict& verdict);
  void PostEffects();
  void ForgetMessage();
  // gatemilter's own failure: counted; the policy says what the MTA is told.
  Response Fail() noexcept;

  policy::Engine& engine_;
  policy::Store& store_;
  policy::Statistics& statistics_;
  policy::Session session_;
  HeaderChanges changes_;
  Answers answers_;
  Reply reply_;
  std::string quarantine_;
  // A header or a part of the body was lost: the message is not known.
  bool content_lost_ = false;
};

}  // namespace gate::milter
