// An engine with everything around it scripted, and a client that speaks to
// it: each call is one SMTP event, its verdict what was decided.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "policy/clock.h"
#include "policy/engine.h"
#include "policy/event.h"
#include "policy/event_log.h"
#include "policy/session.h"
#include "policy/statistics.h"
#include "policy/store.h"
#include "tests/policy/policy_text.h"
#include "tests/policy/scripted_store.h"

namespace gate::policy {

// Sends all that an MTA sends always; tests change what they are about.
class FakeMacros : public MacroSource {
 public:
  std::optional<std::string_view> Macro(std::string_view name) const override {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  }

  std::map<std::string, std::string, std::less<>> values = {
      {"v", "Postfix 3.7.11"},
      {"j", "mx.example.test"},
      {"{client_ptr}", "unknown"},
      {"{client_resolve}", "FAIL"},
      {"{daemon_name}", "smtpd"},
      {"{daemon_port}", "25"},
      {"{if_addr}", "192.0.2.25"},
      {"{rcpt_mailer}", "smtp"},
      {"i", "4TEST"},
  };
};

// Keeps what was logged as text.
class FakeLog : public EventLog {
 public:
  void Decided(const Decision& decision) noexcept override {
    ++told;
    for (const Note& note : decision.session.notes()) Noted(note);
    if (decision.plain()) return;
    const Verdict& verdict = decision.verdict;
    lines.push_back(absl::StrFormat(
        "%s%s%s by %s", decision.given ? "" : "not given ",
        verdict.repeat ? "again " : "", rules::ActionName(verdict.action),
        verdict.rule ? verdict.rule->label : "nobody"));
  }
  void Noted(const Note& note) {
    const rules::Rule& rule = *note.rule;
    if (rules::Decides(rule.action)) {
      lines.push_back(absl::StrFormat(
          "shadow %s by %s", rules::ActionName(rule.action), rule.label));
    } else if (rule.shadow || rule.action == rules::Action::kLog) {
      lines.push_back(absl::StrFormat("%s%s: %s", rule.shadow ? "shadow " : "",
                                      rule.label, note.text));
    }
  }
  void MacroMissing(const MissingMacro& missing) noexcept override {
    lines.push_back(absl::StrFormat("%s never sends %s",
                                    MtaKindName(missing.mta),
                                    rules::Info(missing.fact).name));
  }

  std::vector<std::string> lines;
  size_t told = 0;  // of events
};

// Counts how often it is read.
class CountingClock : public Clock {
 public:
  Now Read() const override {
    ++reads;
    return clock.Read();
  }
  ManualClock clock;
  mutable std::atomic<int> reads = 0;
};

class NotifyingWaiter : public Waiter {
 public:
  void Done(Batch&) noexcept override { done.Notify(); }
  absl::Notification done;
};

class FakeMta {
 public:
  explicit FakeMta(Engine& engine, Store& store)
      : engine_(engine), store_(store) {}

  void Open() { engine_.Open(session); }
  Verdict Connect(std::string_view address = "203.0.113.9",
                  std::string_view host = "", uint16_t port = 12345) {
    return Play(ConnectEvent{.macros = macros,
                             .host = host,
                             .address = rules::IpAddress::Parse(address),
                             .port = port});
  }
  Verdict Helo(std::string_view name = "h.example") {
    return Play(HeloEvent{.macros = macros, .name = name});
  }
  Verdict Mail(std::string_view path = "<a@example.net>",
               std::vector<std::string_view> parameters = {}) {
    return Play(
        MailEvent{.macros = macros, .path = path, .parameters = parameters});
  }
  Verdict Rcpt(std::string_view path = "<b@example.org>") {
    return Play(RcptEvent{.macros = macros, .path = path, .parameters = {}});
  }
  Verdict Data() { return Play(DataEvent{.macros = macros}); }
  Verdict Headers() { return Play(HeadersEvent{.macros = macros}); }
  Verdict Message() { return Play(MessageEvent{.macros = macros}); }
  void Abort() {
    engine_.Abort(session);
    store_.Post(session.effects());
  }
  void Close() {
    engine_.Close(session);
    store_.Post(session.effects());
  }

  Session session;
  FakeMacros macros;

 private:
  template <class Event>
  Verdict Play(const Event& event) {
    if (engine_.Begin(session, event) == Next::kAsk) {
      NotifyingWaiter waiter;
      store_.Submit(session.batch(), waiter);
      waiter.done.WaitForNotification();
    }
    const Verdict verdict = engine_.Decide(session);
    store_.Post(session.effects());
    return verdict;
  }

  Engine& engine_;
  Store& store_;
};

class EngineTest : public ::testing::Test {
 protected:
  // Installs the policy and opens the connection.
  void Use(const std::string& text, const rules::LoadOptions& options = {}) {
    engine.Install(PolicyOf(text, options));
    mta.Open();
  }
  uint64_t Count(Counter counter) const {
    return statistics.Snapshot().counters[static_cast<size_t>(counter)];
  }
  uint64_t CountOf(std::string_view rule) const {
    uint64_t count = 0;
    for (const RuleCount& entry : statistics.Snapshot().rules) {
      if (entry.rule == rule) count += entry.held.total;
    }
    return count;
  }

  CountingClock clock;
  Statistics statistics;
  FakeLog log;
  References references{/*node=*/0};
  Engine engine{clock, statistics, log, references};
  ScriptedStore store;
  FakeMta mta{engine, store};
};

inline std::string LabelOf(const Verdict& verdict) {
  return verdict.rule ? verdict.rule->label : "";
}

}  // namespace gate::policy
