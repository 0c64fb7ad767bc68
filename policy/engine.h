// Event in, Verdict out. All decisions of all doors are made here.
//
// For each event: Begin (facts, rules up to the first that needs the store);
// if it says kAsk, the door has session.batch() answered by the store; then
// Decide. Effects (session.effects()) are posted by the door afterwards. The
// engine does no I/O, never waits, never logs; it reads the clock once in
// Begin. After warm-up it does not allocate.
#pragma once

#include <memory>
#include <string_view>

#include "absl/synchronization/mutex.h"
#include "policy/clock.h"
#include "policy/event.h"
#include "policy/event_log.h"
#include "policy/session.h"
#include "policy/statistics.h"
#include "policy/verdict.h"
#include "rules/policy.h"

namespace gate::policy {

// kDecided: Decide may be called at once; the batch is empty.
enum class Next : uint8_t { kDecided, kAsk };

// Thread-safe: sessions are the callers' own; the policy slot is guarded.
class Engine {
 public:
  Engine(const Clock& clock, Statistics& statistics, EventLog& log);

  // The slot. Install swaps the policy for new connections and the list
  // contents for the next message of all connections.
  void Install(std::shared_ptr<const rules::Policy> policy);
  // New contents for the installed policy's lists (ReloadLists).
  void InstallLists(std::shared_ptr<const rules::ListTable> lists);
  std::shared_ptr<const rules::Policy> policy() const;

  // Pins the policy. Also used to begin anew on the same socket (QUIT_NC).
  void Open(Session& session);

  Next Begin(Session& session, const ConnectEvent& event);
  Next Begin(Session& session, const HeloEvent& event);
  Next Begin(Session& session, const MailEvent& event);
  Next Begin(Session& session, const RcptEvent& event);
  Next Begin(Session& session, const DataEvent& event);
  Next Begin(Session& session, const HeadersEvent& event);
  Next Begin(Session& session, const MessageEvent& event);
  // Requires: Begin, and if it said kAsk every answer in the batch.
  Verdict Decide(Session& session);

  // Content between DATA and the end of message. AddBody says whether more
  // of the body is wanted (rules see body-limit bytes; sizes need all).
  void AddHeader(Session& session, std::string_view name,
                 std::string_view value);
  bool AddBody(Session& session, std::string_view chunk);

  // The message ends without end of message (RSET, EHLO, lost connection);
  // idempotent. Effects may follow.
  void Abort(Session& session);
  // The connection ends; effects may follow. Idempotent.
  void Close(Session& session);

 private:
  struct Slot;
  const Clock& clock_;
  Statistics& statistics_;
  EventLog& log_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Slot> slot_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace gate::policy
