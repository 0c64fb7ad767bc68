// Which rules of a stage hold, in order, and what those do that only note.
#include <span>

#include "policy/engine.h"

namespace gate::policy {

using rules::Action;
using rules::Rule;
using rules::Truth;

void Engine::Walk(Session& session, bool final) {
  Session::Event& event = session.event_;
  const std::span<const Rule> rules = session.policy().rules(event.stage);
  for (; event.next_rule < rules.size(); ++event.next_rule) {
    const Rule& rule = rules[event.next_rule];
    if (Skipped(session, rule)) continue;
    const Truth truth = session.policy().Holds(rule.id,
                                               {.facts = session.facts_,
                                                .lists = *session.lists_,
                                                .store = session.store_view()},
                                               session.match_);
    if (truth == Truth::kNeedsStore && !final) {
      event.rules_ask = true;
      return;
    }
    // An answer that the store owes (outage defer): who would decide on it
    // cannot, so the client comes again. Notes and shadows do without.
    if (truth == Truth::kNeedsStore && rules::Decides(rule.action) &&
        !rule.shadow) {
      event.unavailable = true;
      return;
    }
    if (truth == Truth::kTrue) Held(session, rule);
    if (event.decider) return;
  }
}

bool Engine::Skipped(const Session& session, const Rule& rule) {
  const Session::Spared& connection = session.spared_;
  const Session::Spared& message = session.message_.spared;
  const bool decides = rules::Decides(rule.action);
  if (decides && (connection.really || message.really)) return true;
  if (!rule.shadow) return false;
  if (session.event_.shadow_ended) return true;
  return decides && (connection.in_shadow || message.in_shadow);
}

void Engine::Held(Session& session, const Rule& rule) {
  statistics_.CountRule(session.installed_->slots.rules[rule.id.value]);
  if (!rule.shadow && rules::Decides(rule.action)) {
    session.event_.decider = &rule;
    return;
  }
  std::string& text = session.notes_.Append(rule).text;
  if (rule.shadow) {
    ShowShadow(session, rule, text);
  } else {
    CarryOut(session, rule, text);
  }
}

void Engine::CarryOut(Session& session, const Rule& rule, std::string& note) {
  switch (rule.action) {
    case Action::kAddHeader:
      Render(
          session, rule,
          session.edits_.Note(HeaderEdit::Kind::kAdd, rule.header_name).value);
      return;
    case Action::kSetHeader:
      Render(
          session, rule,
          session.edits_.Note(HeaderEdit::Kind::kSet, rule.header_name).value);
      return;
    case Action::kRemoveHeader:
      session.edits_.Note(HeaderEdit::Kind::kRemove, rule.header_name);
      return;
    case Action::kLog:
      Render(session, rule, note);
      return;
    case Action::kBan:
      session.lookups_.Ban(session.source(), rule, bans_, session.effects_);
      return;
    default:
      return;
  }
}

void Engine::ShowShadow(Session& session, const Rule& rule, std::string& note) {
  Render(session, rule, note);
  if (!rules::Decides(rule.action)) return;
  session.event_.shadow_ended = true;
  if (rule.action == Action::kAccept) Spare(session, rule);
}

void Engine::Render(const Session& session, const Rule& rule,
                    std::string& out) {
  rule.text.Render(session.facts_,
                   session.lookups_.NumbersOf(session.policy(), rule.over),
                   out);
}

}  // namespace gate::policy
