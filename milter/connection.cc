#include "milter/connection.h"

namespace gate::milter {
namespace {

using policy::Counter;
using rules::Action;
using rules::Stage;
using std::chrono::steady_clock;

int64_t MicrosecondsSince(steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             steady_clock::now() - start)
      .count();
}

}  // namespace

Connection::Connection(policy::Engine& engine, policy::Store& store,
                       policy::Statistics& statistics, Answers& answers)
    : engine_(engine),
      store_(store),
      statistics_(statistics),
      answers_(answers) {
  engine_.Open(session_);
}

void Connection::Open() {
  ForgetMessage();
  engine_.Open(session_);
}

template <class Event>
Response Connection::Decide(Stage stage, const Event& event) noexcept {
  event_began_ = steady_clock::now();
  stage_ = stage;
  try {
    if (engine_.Begin(session_, event) == policy::Next::kDecided) {
      return Finish();
    }
    asked_ = steady_clock::now();
    store_.Submit(session_.batch(), answers_);
    return answers_.Await() ? Resume() : Response::kPending;
  } catch (...) {
    return Fail();
  }
}

Response Connection::Resume() noexcept {
  statistics_.CountStoreTrip(MicrosecondsSince(asked_));
  return Finish();
}

Response Connection::Finish() noexcept {
  Response response = Response::kContinue;
  try {
    response = Encode(engine_.Decide(session_));
    PostEffects();
    if (stage_ == Stage::kMessage && response == Response::kContinue) {
      changes_.Build(policy(), session_.edits());
    }
  } catch (...) {
    response = Fail();
  }
  statistics_.CountDuration(stage_, MicrosecondsSince(event_began_));
  return response;
}

Response Connection::Encode(const policy::Verdict& verdict) {
  if (verdict.kept) return Response::kContinue;
  switch (verdict.action) {
    case Action::kReject:
      EncodeReply(verdict, reply_);
      return Response::kReject;
    case Action::kDefer:
      EncodeReply(verdict, reply_);
      return Response::kDefer;
    case Action::kDiscard:
      return Response::kDiscard;
    case Action::kQuarantine:
      quarantine_ = CleanText(verdict.text);
      if (quarantine_.empty() && verdict.rule != nullptr) {
        quarantine_ = verdict.rule->label;
      }
      return Response::kContinue;
    default:
      return Response::kContinue;
  }
}

void Connection::PostEffects() {
  if (!session_.effects().empty()) store_.Post(session_.effects());
}

Response Connection::Fail() noexcept {
  statistics_.Count(Counter::kFailures);
  if (policy().settings().failure == Action::kAccept) {
    return Response::kContinue;
  }
  reply_.line_count = 0;
  return Response::kDefer;
}

void Connection::ForgetMessage() {
  changes_.Reset();
  quarantine_.clear();
  content_lost_ = false;
}

Response Connection::Connect(const policy::ConnectEvent& event) noexcept {
  ForgetMessage();
  return Decide(Stage::kConnect, event);
}

Response Connection::Helo(const policy::HeloEvent& event) noexcept {
  return Decide(Stage::kHelo, event);
}

Response Connection::Mail(const policy::MailEvent& event) noexcept {
  ForgetMessage();
  return Decide(Stage::kMail, event);
}

Response Connection::Rcpt(const policy::RcptEvent& event) noexcept {
  return Decide(Stage::kRcpt, event);
}

Response Connection::Data(const policy::DataEvent& event) noexcept {
  return Decide(Stage::kData, event);
}

void Connection::Header(std::string_view name,
                        std::string_view value) noexcept {
  try {
    changes_.Count(policy(), name);
    engine_.AddHeader(session_, name, value);
  } catch (...) {
    content_lost_ = true;
  }
}

Response Connection::Headers(const policy::HeadersEvent& event) noexcept {
  return content_lost_ ? Fail() : Decide(Stage::kHeaders, event);
}

Response Connection::Body(std::string_view chunk) noexcept {
  try {
    return engine_.AddBody(session_, chunk) ? Response::kContinue
                                            : Response::kSkipBody;
  } catch (...) {
    content_lost_ = true;
    return Response::kContinue;
  }
}

Response Connection::Message(const policy::MessageEvent& event) noexcept {
  return content_lost_ ? Fail() : Decide(Stage::kMessage, event);
}

void Connection::Abort() noexcept {
  try {
    ForgetMessage();
    engine_.Abort(session_);
    PostEffects();
  } catch (...) {
    Fail();
  }
}

void Connection::Close() noexcept {
  try {
    engine_.Close(session_);
    PostEffects();
  } catch (...) {
    Fail();
  }
}

}  // namespace gate::milter
