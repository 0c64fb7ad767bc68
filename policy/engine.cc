#include "policy/engine.h"

#include <cassert>
#include <optional>
#include <span>
#include <utility>

#include "policy/policy_description.h"
#include "rules/ascii.h"

namespace gate::policy {

using rules::FactId;
using rules::Stage;

Engine::Engine(const Clock& clock, Statistics& statistics, EventLog& log,
               References& references)
    : clock_(clock),
      statistics_(statistics),
      log_(log),
      references_(references) {}

void Engine::Install(std::shared_ptr<const rules::Policy> policy) {
  auto next = std::make_shared<Installed>();
  next->lists = policy->list_contents();
  next->slots = statistics_.Register(*policy);
  next->number = PolicyNumber(*policy);
  log_.Installed(policy);
  next->connections = std::make_shared<ConnectionGauge>();
  next->connections->policy_hash = policy->hash();
  next->policy = std::move(policy);
  next->load = loads_.fetch_add(1, std::memory_order_relaxed) + 1;
  next->connections->load = next->load;
  {
    const absl::MutexLock lock(&mutex_);
    std::erase_if(gauges_,
                  [](const auto& gauge) { return gauge.use_count() == 1; });
    gauges_.push_back(next->connections);
  }
  Swap(std::move(next));
}

std::vector<OpenConnections> Engine::Connections() const {
  std::vector<OpenConnections> list;
  const absl::MutexLock lock(&mutex_);
  for (const std::shared_ptr<ConnectionGauge>& gauge : gauges_) {
    const int64_t open = gauge->open.load(std::memory_order_relaxed);
    if (open == 0 && gauge != installed_->connections) continue;
    list.push_back({gauge->policy_hash, gauge->load, open});
  }
  return list;
}

void Engine::InstallLists(std::shared_ptr<const rules::ListTable> lists) {
  uint64_t generation = 0;
  auto next = std::make_shared<Installed>(*Newest(generation));
  assert(lists->size() == next->lists->size());
  next->lists = std::move(lists);
  Swap(std::move(next));
}

void Engine::Swap(std::shared_ptr<const Installed> next) {
  // The old one, perhaps the last owner of a policy, goes with `next`, after
  // the lock.
  absl::MutexLock lock(&mutex_);
  installed_.swap(next);
  generation_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const Installed> Engine::Newest(uint64_t& generation) const {
  absl::MutexLock lock(&mutex_);
  generation = generation_.load(std::memory_order_relaxed);
  return installed_;
}

std::shared_ptr<const rules::Policy> Engine::policy() const {
  uint64_t generation = 0;
  const std::shared_ptr<const Installed> newest = Newest(generation);
  return newest ? newest->policy : nullptr;
}

std::shared_ptr<const rules::ListTable> Engine::lists() const {
  uint64_t generation = 0;
  const std::shared_ptr<const Installed> newest = Newest(generation);
  return newest ? newest->lists : nullptr;
}

std::shared_ptr<const Installed> Engine::installed() const {
  uint64_t generation = 0;
  return Newest(generation);
}

std::vector<UnknownFact> Engine::UnknownFacts() const {
  return macros_.Unknown(policy()->needs().macro_facts);
}

void Engine::Open(Session& session) {
  session.effects_.Clear();
  Renew(session);
}

void Engine::Renew(Session& session) {
  EndMessage(session);
  const uint64_t seen = generation_.load(std::memory_order_acquire);
  if (seen != session.policy_generation_) {
    session.replaced_ = std::move(session.installed_);
    session.installed_ = Newest(session.policy_generation_);
    session.lists_generation_ = session.policy_generation_;
    session.lists_ = session.installed_->lists;
    session.match_.Reset();
  }
  assert(session.installed_);
  session.open_ = OpenConnection(session.installed_->connections);
  const rules::Policy& policy = session.policy();
  session.facts_.ClearFrom(Stage::kConnect);
  session.facts_.ResizeHeaders(policy.header_names().size());
  session.session_facts_.Expect(policy.needs());
  session.lookups_.Reset(policy);
  session.connected_ = false;
  session.kept_.reset();
  session.spared_ = {};
  session.sampled_ = sample_.Takes(policy.settings().journal_sample_ppm);
  statistics_.Count(Counter::kConnections);
}

void Engine::RefreshLists(Session& session) {
  const uint64_t seen = generation_.load(std::memory_order_acquire);
  if (seen == session.lists_generation_) return;
  const std::shared_ptr<const Installed> newest =
      Newest(session.lists_generation_);
  session.lists_ = MapLists(session.policy(), session.lists_, *newest);
  session.match_.Reset();
}

void Engine::Start(Session& session, Stage stage) {
  session.event_ = {};
  session.event_.stage = stage;
  session.event_.now = clock_.Read();
  session.effects_.Clear();
  session.notes_.Clear();
  session.weighed_.clear();
  session.replaced_.reset();
  session.effects_.now_us = session.event_.now.steady_us;
}

Next Engine::Begin(Session& session, const ConnectEvent& event) {
  Start(session, Stage::kConnect);
  if (session.connected_) Renew(session);
  session.connected_ = true;
  session.session_facts_.Connect(event);
  return Run(session);
}

Next Engine::Begin(Session& session, const HeloEvent& event) {
  Start(session, Stage::kHelo);
  EndMessage(session);
  if (session.kept_ && session.kept_->stage == Stage::kHelo) {
    session.kept_.reset();
  }
  session.session_facts_.Helo(event);
  return Run(session);
}

Next Engine::Begin(Session& session, const MailEvent& event) {
  Start(session, Stage::kMail);
  EndMessage(session);
  RefreshLists(session);
  session.message_.active = true;
  session.session_facts_.Mail(event);
  return Run(session);
}

Next Engine::Begin(Session& session, const RcptEvent& event) {
  Start(session, Stage::kRcpt);
  statistics_.Count(Counter::kRecipients);
  session.session_facts_.Rcpt(event);
  if (session.session_facts_.rejected_by_mta()) {
    ++session.message_.refused;
    session.event_.answered = true;
  }
  return Run(session);
}

Next Engine::Begin(Session& session, const DataEvent& event) {
  Start(session, Stage::kData);
  return RunContent(session, event.macros);
}

Next Engine::Begin(Session& session, const HeadersEvent& event) {
  Start(session, Stage::kHeaders);
  return RunContent(session, event.macros);
}

Next Engine::Begin(Session& session, const MessageEvent& event) {
  Start(session, Stage::kMessage);
  statistics_.Count(Counter::kMessages);
  session.session_facts_.EndMessage();
  return RunContent(session, event.macros);
}

Next Engine::RunContent(Session& session, const MacroSource& macros) {
  session.session_facts_.Data(macros);
  return Run(session);
}

Next Engine::Run(Session& session) {
  const Stage stage = session.event_.stage;
  session.session_facts_.Time(session.event_.now);
  if (stage >= Stage::kRcpt) {
    session.facts_.SetNumber(FactId::kRcptCount, session.message_.accepted);
    session.facts_.SetNumber(FactId::kRcptRejected, session.message_.refused);
  }
  CheckMacros(session);
  session.lookups_.Begin(session.source(), stage, session.event_.now.steady_us);
  if (session.kept_) session.event_.answered = true;
  if (session.event_.answered) return Next::kDecided;

  Walk(session, /*final=*/false);
  const rules::Rule* decider = session.event_.decider;
  if (decider && Refuses(decider->action) && CanRefuse(session)) {
    return Next::kDecided;
  }
  session.lookups_.Collect(session.source(), stage, session.event_.rules_ask);
  if (session.batch().empty()) return Next::kDecided;
  statistics_.Count(Counter::kStoreTrips);
  return Next::kAsk;
}

// A local submission lacks what only connections have: its facts are unknown
// as long as no connection showed that the MTA sends them, but that tells
// nothing of the MTA.
void Engine::CheckMacros(Session& session) {
  const SessionFacts& decoded = session.session_facts_;
  const MtaKind mta = decoded.mta();
  macros_.Remember(mta, decoded.sent());
  if (decoded.missing().none()) return;
  const rules::FactBits unknown = macros_.NeverSent(mta, decoded.missing());
  for (const rules::FactInfo& info : rules::AllFacts()) {
    const auto index = static_cast<size_t>(info.id);
    if (!decoded.missing().test(index)) continue;
    if (!unknown.test(index)) {
      session.facts_.Clear(info.id);
    } else if (!session.local() &&
               macros_.Count(mta, info.id, session.installed_->load)) {
      log_.MacroMissing({info.id, mta, session.policy()});
    }
  }
}

void Engine::AddHeader(Session& session, std::string_view name,
                       std::string_view value) {
  for (const std::string& ours : session.policy().added_headers()) {
    if (rules::EqualFolded(ours, name)) {
      session.edits_.StripIncoming(ours);
    }
  }
  session.session_facts_.AddHeader(name, value,
                                   session.policy().FindHeader(name));
}

bool Engine::AddBody(Session& session, std::string_view chunk) {
  const rules::Policy& policy = session.policy();
  const bool room =
      session.session_facts_.AddBody(chunk, policy.settings().body_limit);
  return room || !policy.needs().body_start_only;
}

void Engine::Abort(Session& session) {
  session.effects_.Clear();
  session.effects_.now_us = clock_.Read().steady_us;
  if (session.message_.active) statistics_.Count(Counter::kAborts);
  EndMessage(session);
}

void Engine::Close(Session& session) {
  Abort(session);
  session.open_ = {};
}

void Engine::EndMessage(Session& session) {
  if (!session.installed_) return;
  const Session::Message& message = session.message_;
  if (message.active && message.accepted == 0 && !message.discarded) {
    session.lookups_.GiveBackMessage(session.effects_);
  }
  session.message_ = {};
  session.lookups_.ForgetMessage(session.policy());
  session.session_facts_.ClearMessage();
  session.edits_.Clear();
}

}  // namespace gate::policy
