// Event in, Verdict out. All decisions of all doors are made here.
//
// For each event: Begin (facts, rules up to the first that needs the store);
// if it says kAsk, the door has session.batch() answered by the store; then
// Decide. Effects (session.effects()) are posted by the door after Decide,
// Abort and Close. The engine does no I/O, never waits, never logs; it reads
// the clock once in Begin. After warm-up it does not allocate.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "policy/ban_memory.h"
#include "policy/clock.h"
#include "policy/event.h"
#include "policy/event_log.h"
#include "policy/installed.h"
#include "policy/macro_memory.h"
#include "policy/reference.h"
#include "policy/sample.h"
#include "policy/session.h"
#include "policy/statistics.h"
#include "policy/verdict.h"
#include "rules/policy.h"

namespace gate::policy {

// kDecided: Decide may be called at once; the batch is empty.
enum class Next : uint8_t { kDecided, kAsk };

// Connections that are open under one policy.
struct OpenConnections {
  std::string policy_hash;
  uint64_t load = 0;  // policies are numbered as they come, from 1 on
  int64_t open = 0;
};

// Thread-safe: sessions are the callers' own; the policy slot is guarded.
class Engine {
 public:
  Engine(const Clock& clock, Statistics& statistics, EventLog& log,
         References& references);

  // The slot. Install swaps the policy for new connections and the list
  // contents for the next message of all connections.
  void Install(std::shared_ptr<const rules::Policy> policy);
  // New contents for the installed policy's lists (ReloadLists).
  // Requires: not called together with Install.
  void InstallLists(std::shared_ptr<const rules::ListTable> lists);
  std::shared_ptr<const rules::Policy> policy() const;
  // The newest contents of the installed policy's lists.
  std::shared_ptr<const rules::ListTable> lists() const;
  // Both, as they belong together. Null: there is none yet.
  std::shared_ptr<const Installed> installed() const;
  // Facts of the installed policy whose macros some MTA never sends.
  std::vector<UnknownFact> UnknownFacts() const;

  // Of the installed policy, and of others that have some still.
  std::vector<OpenConnections> Connections() const;

  // Pins the policy. Also used to begin anew on the same socket (QUIT_NC).
  // Requires: a policy is installed.
  void Open(Session& session);

  // Begin tells what has happened; RSET and lost connections are Abort and
  // Close. A second connect event begins anew (XCLIENT), HELO and MAIL end
  // the message that was under way.
  Next Begin(Session& session, const ConnectEvent& event);
  Next Begin(Session& session, const HeloEvent& event);
  Next Begin(Session& session, const MailEvent& event);
  Next Begin(Session& session, const RcptEvent& event);
  Next Begin(Session& session, const DataEvent& event);
  Next Begin(Session& session, const HeadersEvent& event);
  Next Begin(Session& session, const MessageEvent& event);
  // Once for each Begin. Requires: if Begin said kAsk, every answer in the
  // batch.
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
  // engine.cc: the slot and the way of an event.
  void Swap(std::shared_ptr<const Installed> next);
  std::shared_ptr<const Installed> Newest(uint64_t& generation) const;
  void Renew(Session& session);
  void RefreshLists(Session& session);
  void Start(Session& session, rules::Stage stage);
  Next Run(Session& session);
  Next RunContent(Session& session, const MacroSource& macros);
  void EndMessage(Session& session);
  void CheckMacros(Session& session);

  // A refusal at this event reaches the client. Before end of message it
  // would wedge the queue of non-SMTP submission.
  static bool CanRefuse(const Session& session);

  // engine_rules.cc: which rules hold, and what those do that only note.
  // Returns before the first rule that needs the store, unless it is `final`.
  void Walk(Session& session, bool final);
  static bool Skipped(const Session& session, const rules::Rule& rule);
  void Held(Session& session, const rules::Rule& rule);
  // What they say goes into `note`.
  void CarryOut(Session& session, const rules::Rule& rule, std::string& note);
  void ShowShadow(Session& session, const rules::Rule& rule, std::string& note);
  static void Render(const Session& session, const rules::Rule& rule,
                     std::string& out);

  // engine_verdict.cc: what follows from the rule that decided.
  // What made the rule hold, for the record.
  static void Weigh(Session& session, const rules::Rule& rule);
  Verdict DecideKept(Session& session);
  void CountRepeat(const Session& session, const Verdict& verdict);
  static Verdict FromRule(const Session& session, const rules::Rule& rule,
                          std::string& text);
  static Verdict Compose(Session& session);
  // Gives a refusal its reference.
  void Refer(const Session& session, Verdict& verdict);
  static void Refuse(Session& session, const Verdict& verdict);
  // Without over and banned the rule would not have held.
  static bool DecidedByStore(Session& session, const rules::Rule& rule);
  static void Admit(Session& session, const Verdict& verdict);
  static void Spare(Session& session, const rules::Rule& rule);
  static void EndAccepted(Session& session);

  const Clock& clock_;
  Statistics& statistics_;
  EventLog& log_;
  References& references_;
  BanMemory bans_;
  MacroMemory macros_;
  Sample sample_;  // of connections whose plain accepts are recorded
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Installed> installed_ ABSL_GUARDED_BY(mutex_);
  // Of policies that may have connections, in the order of their loads.
  std::vector<std::shared_ptr<ConnectionGauge>> gauges_ ABSL_GUARDED_BY(mutex_);
  // Grows with each swap: who has seen it needs no lock.
  std::atomic<uint64_t> generation_ = 0;
  std::atomic<uint64_t> loads_ = 0;  // policies installed
};

}  // namespace gate::policy
