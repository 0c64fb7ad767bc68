// What follows from the rule that decided, or from none.
#include <cassert>

#include "policy/engine.h"

namespace gate::policy {
namespace {

using rules::AcceptScope;
using rules::Action;
using rules::FactId;
using rules::Rule;
using rules::Stage;

constexpr std::string_view kUnavailableText =
    "Rate limits are unavailable now, try again later";

// 421 at connect is given at once: it ends the connection. What else is
// refused before MAIL is shown there, where MTAs show its text.
bool KeptForMail(Stage stage, uint16_t code) {
  return stage == Stage::kHelo || (stage == Stage::kConnect && code != 421);
}

}  // namespace

Verdict Engine::Decide(Session& session) {
  Session::Event& event = session.event_;
  if (event.answered) return DecideKept(session);
  session.lookups_.TakeAnswers(*session.installed_, bans_, statistics_);
  if (!event.decider) Walk(session, /*final=*/true);

  Verdict verdict = Compose(session);
  if (verdict.refuses()) Refer(session, verdict);
  if (verdict.repeat) CountRepeat(session, verdict);
  if (event.unavailable) statistics_.Count(Counter::kOutageEvents);
  const bool given = !verdict.refuses() || CanRefuse(session);
  const bool plain = !event.decider && verdict.action == Action::kAccept;
  if (plain) statistics_.Count(Counter::kPlainAccepts);
  if (event.decider) Weigh(session, *event.decider);
  if (!plain || session.sampled_ || !session.notes().empty()) {
    log_.Decided({.verdict = verdict, .session = session, .given = given});
  }
  if (given && verdict.refuses()) {
    Refuse(session, verdict);
    return verdict;
  }
  if (given) {
    Admit(session, verdict);
    return verdict;
  }
  statistics_.Count(Counter::kNotGiven);
  const Verdict accepted{.stage = event.stage};
  Admit(session, accepted);
  return accepted;
}

void Engine::Weigh(Session& session, const Rule& rule) {
  session.policy().Weigh(rule.id,
                         {.facts = session.facts_,
                          .lists = *session.lists_,
                          .store = session.store_view()},
                         session.match_, session.weighed_);
}

Verdict Engine::DecideKept(Session& session) {
  const Stage stage = session.event_.stage;
  const bool refused_by_mta =
      stage == Stage::kRcpt && session.session_facts_.rejected_by_mta();
  if (!session.kept_ || stage < Stage::kMail || refused_by_mta) {
    return {.stage = stage};
  }
  session.message_.active = false;
  Verdict verdict = *session.kept_;
  verdict.stage = stage;
  verdict.kept = false;
  verdict.repeat = true;
  CountRepeat(session, verdict);
  log_.Decided({.verdict = verdict, .session = session});
  return verdict;
}

void Engine::CountRepeat(const Session& session, const Verdict& verdict) {
  statistics_.Count(Counter::kRepeats);
  if (verdict.rule == nullptr) return;
  statistics_.CountRepeat(
      session.installed_->slots.rules[verdict.rule->id.value]);
}

bool Engine::CanRefuse(const Session& session) {
  return !session.local() || session.event_.stage == Stage::kMessage;
}

Verdict Engine::FromRule(const Session& session, const Rule& rule,
                         std::string& text) {
  Render(session, rule, text);
  const Stage stage = session.event_.stage;
  Verdict verdict{.action = rule.action,
                  .code = rule.code,
                  .enhanced = rule.enhanced,
                  .text = text,
                  .rule = &rule,
                  .stage = stage};
  verdict.kept = verdict.refuses() ? KeptForMail(stage, rule.code)
                                   : rule.action == Action::kQuarantine &&
                                         stage != Stage::kMessage;
  return verdict;
}

Verdict Engine::Compose(Session& session) {
  const Session::Event& event = session.event_;
  Verdict verdict{.stage = event.stage};
  if (event.unavailable) {
    verdict.action = Action::kDefer;
    verdict.code = 451;
    verdict.enhanced = "4.7.1";
    verdict.text = kUnavailableText;
    verdict.kept = KeptForMail(event.stage, verdict.code);
  } else if (event.decider) {
    verdict = FromRule(session, *event.decider, session.reply_text_);
  }
  const Rule* quarantine = session.message_.quarantine;
  if (quarantine && event.stage == Stage::kMessage &&
      verdict.action == Action::kAccept) {
    verdict.action = Action::kQuarantine;
    verdict.rule = quarantine;
    verdict.text = session.quarantine_text_;
    verdict.repeat = true;
  }
  return verdict;
}

void Engine::Refer(const Session& session, Verdict& verdict) {
  const rules::Settings& settings = session.policy().settings();
  verdict.reference = references_.Make(session.event_.now.wall_us);
  verdict.shows_reference =
      settings.reference.value_or(settings.journal.has_value());
  verdict.contact = settings.contact;
}

void Engine::Refuse(Session& session, const Verdict& verdict) {
  session.edits_.Rollback();
  session.lookups_.GiveBackEvent(session.effects_);
  const Rule* rule = verdict.rule;
  if (verdict.action == Action::kReject && !DecidedByStore(session, *rule)) {
    session.lookups_.ChargeRejections(session.source(), session.effects_);
  }
  if (verdict.kept) {
    session.kept_ = verdict;
    session.kept_text_.assign(verdict.text);
    session.kept_->text = session.kept_text_;
  }
  Session::Message& message = session.message_;
  if (verdict.stage == Stage::kRcpt) ++message.refused;
  if (verdict.stage == Stage::kMail) message.active = false;
  // Refused as a whole: nobody gets it, whoever was accepted before.
  if (verdict.stage > Stage::kRcpt) {
    session.lookups_.GiveBackMessage(session.effects_);
    message.active = false;
  }
}

bool Engine::DecidedByStore(Session& session, const Rule& rule) {
  return rule.asks_store &&
         !session.policy().HoldsWithoutStore(rule.id,
                                             {.facts = session.facts_,
                                              .lists = *session.lists_,
                                              .store = session.store_view()},
                                             session.match_);
}

void Engine::Admit(Session& session, const Verdict& verdict) {
  session.edits_.Commit();
  if (verdict.rule && verdict.action == Action::kAccept) {
    Spare(session, *verdict.rule);
  }
  Session::Message& message = session.message_;
  if (verdict.kept && !message.quarantine) {
    message.quarantine = verdict.rule;
    session.quarantine_text_.assign(verdict.text);
  }
  if (verdict.action == Action::kDiscard) message.discarded = true;
  if (verdict.stage == Stage::kMail) session.lookups_.KeepMessageCharges();
  if (verdict.stage == Stage::kRcpt) ++message.accepted;
  if (verdict.stage == Stage::kMessage) EndAccepted(session);
}

void Engine::Spare(Session& session, const Rule& rule) {
  if (rule.scope == AcceptScope::kStage) return;
  Session::Spared& spared = rule.scope == AcceptScope::kConnection
                                ? session.spared_
                                : session.message_.spared;
  (rule.shadow ? spared.in_shadow : spared.really) = true;
}

void Engine::EndAccepted(Session& session) {
  Session::Message& message = session.message_;
  message.active = false;
  if (!message.discarded) session.edits_.Resolve();
  const rules::FactSet& facts = session.facts_;
  if (!session.policy().needs().body || !facts.present(FactId::kMessageSize)) {
    return;
  }
  session.lookups_.SettleMessage(
      static_cast<uint64_t>(facts.number(FactId::kMessageSize)),
      session.effects_);
}

}  // namespace gate::policy
