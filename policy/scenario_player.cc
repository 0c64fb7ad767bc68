#include "policy/scenario_player.h"

#include <span>
#include <utility>

#include "policy/scenario_step.h"

namespace gate::policy {
namespace {

using rules::Action;
using rules::ast::Step;
using Kind = rules::ast::Step::Kind;

bool IsContent(Kind kind) {
  return kind == Kind::kData || kind == Kind::kHeader || kind == Kind::kBody;
}

// The MTA tells no more of the message.
bool EndsMessage(Action action) {
  return Refuses(action) || action == Action::kDiscard;
}

}  // namespace

ScenarioPlayer::ScenarioPlayer(std::shared_ptr<const rules::Policy> policy,
                               const rules::ast::Test& test,
                               const ScenarioOptions& options)
    : mta_(std::move(policy), options), test_(test) {
  client_.address = *rules::IpAddress::Parse("192.0.2.1");
}

ScenarioResult ScenarioPlayer::Run() {
  const std::vector<Step>& steps = test_.steps;
  for (size_t i = 0; i < steps.size(); ++i) {
    step_ = &steps[i];
    more_content_ =
        i + 1 < steps.size() && (steps[i + 1].kind == Kind::kHeader ||
                                 steps[i + 1].kind == Kind::kBody);
    if (!IsContent(step_->kind)) FinishMessage();
    Play();
  }
  FinishMessage();
  Disconnect();
  return {.events = std::move(events_),
          .failures = std::move(judge_.failures())};
}

void ScenarioPlayer::Play() {
  switch (step_->kind) {
    case Kind::kClient:
      return PlayClient();
    case Kind::kHelo:
      return PlayHelo(std::string(Word(*step_, 0)));
    case Kind::kTls:
      return PlayTls();
    case Kind::kAuth:
      return mta_.Authenticate(
          Word(*step_, 0), step_->words.size() > 1 ? Word(*step_, 1) : "PLAIN",
          Option(*step_, "author"));
    case Kind::kMacros:
      return PlayMacros();
    case Kind::kMail:
      return PlayMail();
    case Kind::kRcpt:
      return PlayRcpt();
    case Kind::kData:
      return PlayData();
    case Kind::kHeader:
      return PlayHeader();
    case Kind::kBody:
      return PlayBody();
    case Kind::kAfter:
      return mta_.Advance(step_->words.empty() ? 0 : step_->words[0].number);
    case Kind::kNewConnection:
      return Disconnect();
    case Kind::kRset:
      return PlayReset();
  }
}

void ScenarioPlayer::PlayClient() {
  if (connected_) Disconnect();
  client_ = ReadClient(*step_);
  Connect();
}

void ScenarioPlayer::EnsureConnected() {
  if (!connected_) Connect();
}

void ScenarioPlayer::Connect() {
  connected_ = true;
  const ScenarioEvent& event = Record(mta_.Connect(client_));
  if (step_->kind == Kind::kClient) judge_.Check(*step_, event);
}

void ScenarioPlayer::Disconnect() {
  if (connected_) {
    ScenarioEvent event = mta_.Disconnect();
    if (!event.effects.empty()) Record(std::move(event));
  }
  connected_ = false;
  closed_ = {};
  refused_ = {};
  helo_.clear();
  phase_ = Phase::kIdle;
}

void ScenarioPlayer::PlayHelo(const std::string& name) {
  EnsureConnected();
  if (!closed_.empty()) return judge_.NotPlayed(*step_, closed_);
  helo_ = name;
  phase_ = Phase::kIdle;
  judge_.Check(*step_, Record(mta_.Helo(helo_)));
}

void ScenarioPlayer::PlayTls() {
  mta_.StartTls(ReadTls(*step_));
  // After STARTTLS the client greets again (RFC 3207 4.2).
  if (!helo_.empty()) PlayHelo(helo_);
}

void ScenarioPlayer::PlayMacros() {
  for (size_t i = 0; i + 1 < step_->words.size(); i += 2) {
    mta_.OverrideMacro(Word(*step_, i), Word(*step_, i + 1));
  }
}

void ScenarioPlayer::PlayMail() {
  EnsureConnected();
  for (size_t i = 0; i < CountPlays(*step_); ++i) {
    if (!closed_.empty()) return judge_.NotPlayed(*step_, closed_);
    // A client has to reset before it begins again (RFC 5321 3.3).
    if (phase_ == Phase::kEnvelope) PlayReset();
    const std::vector<std::string> words = WordsOfPlay(*step_, i);
    const ScenarioEvent& event =
        Record(mta_.Mail(words[0], std::span(words).subspan(1)));
    phase_ = Phase::kEnvelope;
    recipients_ = 0;
    outcome_.reset();
    refused_ = {};
    if (Refuses(event.action)) refused_ = "MAIL was refused";
    if (event.action == Action::kDiscard) refused_ = "MAIL was discarded";
    judge_.Check(*step_, event);
  }
}

void ScenarioPlayer::PlayRcpt() {
  if (!closed_.empty()) return judge_.NotPlayed(*step_, closed_);
  if (!refused_.empty()) return judge_.NotPlayed(*step_, refused_);
  if (phase_ != Phase::kEnvelope)
    return judge_.NotPlayed(*step_, "there is no MAIL");
  for (size_t i = 0; i < CountPlays(*step_); ++i) {
    if (!closed_.empty()) return judge_.NotPlayed(*step_, closed_);
    const std::vector<std::string> words = WordsOfPlay(*step_, i);
    const ScenarioEvent& event =
        Record(mta_.Rcpt(words[0], std::span(words).subspan(1)));
    if (!Refuses(event.action)) ++recipients_;
    judge_.Check(*step_, event);
  }
}

std::string_view ScenarioPlayer::WhyNoData() const {
  if (!closed_.empty()) return closed_;
  if (phase_ != Phase::kEnvelope) return "there is no MAIL";
  if (!refused_.empty()) return refused_;
  return recipients_ == 0 ? "no recipient was accepted" : "";
}

bool ScenarioPlayer::EnsureContent() {
  if (phase_ == Phase::kContent) return true;
  if (phase_ == Phase::kEnded) return false;
  if (const std::string_view why = WhyNoData(); !why.empty()) {
    judge_.NotPlayed(*step_, why);
    return false;
  }
  outcome_ = Record(mta_.Data());
  const bool goes_on = !EndsMessage(outcome_->action);
  phase_ = goes_on ? Phase::kContent : Phase::kEnded;
  return goes_on;
}

void ScenarioPlayer::PlayData() {
  EnsureContent();
  if (!outcome_) return;
  if (more_content_) return judge_.Check(*step_, *outcome_);
  pending_.push_back(step_);
}

void ScenarioPlayer::PlayHeader() {
  if (EnsureContent()) {
    for (size_t i = 0; i < CountPlays(*step_); ++i) {
      const std::vector<std::string> words = WordsOfPlay(*step_, i);
      mta_.AddHeader(words[0], words.size() > 1 ? words[1] : "");
    }
  }
  if (outcome_) pending_.push_back(step_);
}

void ScenarioPlayer::PlayBody() {
  if (EnsureContent()) EndMessage(ReadBody(*step_));
  if (outcome_) pending_.push_back(step_);
  FinishMessage();
}

void ScenarioPlayer::PlayReset() {
  if (connected_ && closed_.empty()) {
    ScenarioEvent event = mta_.Reset();
    if (!event.effects.empty()) Record(std::move(event));
  }
  phase_ = Phase::kIdle;
}

void ScenarioPlayer::EndMessage(std::string_view body) {
  phase_ = Phase::kEnded;
  const ScenarioEvent& headers = Record(mta_.EndOfHeaders());
  if (outcome_->action == Action::kAccept) outcome_ = headers;
  if (!EndsMessage(headers.action)) {
    const ScenarioEvent& message = Record(mta_.EndOfMessage(body));
    if (outcome_->action == Action::kAccept) outcome_ = message;
  }
}

void ScenarioPlayer::FinishMessage() {
  if (phase_ == Phase::kContent) EndMessage({});
  for (const Step* step : std::exchange(pending_, {})) {
    judge_.Check(*step, *outcome_);
  }
  if (phase_ == Phase::kEnded) phase_ = Phase::kIdle;
  outcome_.reset();
}

const ScenarioEvent& ScenarioPlayer::Record(ScenarioEvent event) {
  event.step = step_;
  if (event.code == 421 && !event.kept) closed_ = "421 ended the connection";
  return events_.emplace_back(std::move(event));
}

}  // namespace gate::policy
