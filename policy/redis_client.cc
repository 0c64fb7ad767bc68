#include "policy/redis_client.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "absl/strings/str_format.h"
#include "policy/redis_command.h"
#include "policy/redis_script.h"

namespace gate::policy {
namespace {

constexpr int64_t kConnectUs = 1'000'000;
constexpr int64_t kMinBackoffUs = 100'000;
constexpr int64_t kMaxBackoffUs = 700'000;
// Away again sooner than this, it is tried as seldom as before.
constexpr int64_t kStableUs = 5'000'000;
// Answers that are there already are read before a deadline counts: the loop
// may have been late itself.
constexpr int64_t kGraceUs = 1'000;

// Errors after which this connection leads nowhere: the login must be made
// again, or another server may have taken over the name.
bool NeedsNewConnection(std::string_view error) {
  constexpr std::array<std::string_view, 6> kCodes = {
      "NOAUTH", "WRONGPASS", "NOPERM", "READONLY", "MOVED", "ASK"};
  const std::string_view code = error.substr(0, error.find(' '));
  return std::ranges::find(kCodes, code) != kCodes.end();
}

// As it may stand in a log.
std::string Printable(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

// With what an operator can do about it.
std::string Explain(const std::string& reply) {
  const std::string error = Printable(reply);
  struct Hint {
    std::string_view beginning;
    std::string_view text;
  };
  constexpr std::array<Hint, 7> kHints = {{
      {"NOAUTH", "give `set store redis` a `password-file`"},
      {"WRONGPASS", "see the `password-file` of `set store redis`"},
      {"NOPERM",
       "the user needs +evalsha +eval +get +set +del +pttl +time "
       "+select and the keys gate:*"},
      {"ERR The user executing the script",
       "the user needs +get +set +del +pttl +time and the keys gate:*"},
      {"READONLY", "it is a replica: name the master"},
      {"MOVED", "Redis Cluster is not supported"},
      {"ERR Error compiling script", "Redis 7 or newer is needed"},
  }};
  for (const Hint& hint : kHints) {
    if (error.starts_with(hint.beginning)) {
      return absl::StrFormat("\"%s\" (%s)", error, hint.text);
    }
  }
  return absl::StrFormat("\"%s\"", error);
}

}  // namespace

RedisClient::RedisClient(Loop& loop, RedisOptions options,
                         RedisObserver& observer)
    : loop_(loop),
      options_(std::move(options)),
      observer_(observer),
      timer_(loop, [this] { OnTimer(); }),
      backoff_us_(kMinBackoffUs),
      jitter_(std::random_device()()) {
  Connect();
}

RedisClient::~RedisClient() {
  ready_ = false;
  for (size_t i = 0; i < pending_.size(); ++i) {
    RedisPending::Entry& entry = pending_[i];
    if (entry.batch) AnswerUnavailable(*entry.batch, *entry.waiter);
  }
}

void RedisClient::Ask(Batch& batch, Waiter& waiter) noexcept {
  if (!ready()) return AnswerUnavailable(batch, waiter);
  std::string& out = wire_->output();
  const size_t before = out.size();
  try {
    AppendAsk(ScriptName::kHash, batch, out);
    RedisPending::Entry& entry = Push(Kind::kAsk);
    entry.batch = &batch;
    entry.waiter = &waiter;
  } catch (const std::bad_alloc&) {
    // Half a command, or one that no entry waits for, would give each answer
    // to the wrong question.
    out.resize(before);
    AnswerUnavailable(batch, waiter);
  }
}

bool RedisClient::Post(std::string& command) noexcept {
  if (!ready()) return false;
  std::string& out = wire_->output();
  const size_t before = out.size();
  try {
    out.append(command);
    Push(Kind::kPost).command.swap(command);
    return true;
  } catch (const std::bad_alloc&) {
    out.resize(before);
    return false;
  }
}

// Deadlines begin here: how long the loop was busy says nothing of Redis.
void RedisClient::Flush() noexcept {
  if (!wire_) return;
  wire_->Flush();
  if (unsent_ == 0) return;
  const int64_t deadline_us = Loop::NowUs() + options_.deadline_us;
  for (; unsent_ > 0; --unsent_) {
    pending_[pending_.size() - unsent_].deadline_us = deadline_us;
  }
}

RedisPending::Entry& RedisClient::Push(Kind kind) {
  RedisPending::Entry& entry = pending_.Push(kind);
  ++unsent_;
  entry.deadline_us = Loop::NowUs() + options_.deadline_us;
  if (!timer_.running()) timer_.Start(options_.deadline_us);
  return entry;
}

void RedisClient::Connect() {
  pending_.Clear();
  unsent_ = 0;
  connected_ = overdue_ = broken_ = false;
  trying_ = true;
  timer_.Start(kConnectUs);
  reader_ = std::make_unique<RedisReader>();
  RedisWire::Handler& self = *this;
  wire_ = std::make_unique<RedisWire>(loop_, options_.address, self);
}

void RedisClient::Connected() {
  connected_ = true;
  overdue_ = false;
  timer_.Stop();
  SendLogin();
  SendProbe();
}

void RedisClient::SendLogin() {
  std::string& out = wire_->output();
  if (!options_.password.empty()) {
    const bool user = !options_.user.empty();
    RedisCommand command(out, user ? 3 : 2);
    command.Add("AUTH");
    if (user) command.Add(options_.user);
    command.Add(options_.password);
    Push(Kind::kLogin);
  }
  if (options_.database != 0) {
    RedisCommand command(out, 2);
    command.Add("SELECT");
    command.Add(options_.database);
    Push(Kind::kLogin);
  }
}

void RedisClient::SendProbe() {
  trying_ = true;
  AppendProbe(wire_->output());
  Push(Kind::kProbe);
  wire_->Flush();
}

void RedisClient::Received(std::string_view bytes) {
  reader_->Feed(bytes);
  for (;;) {
    const RedisReader::State state = reader_->Next();
    if (state == RedisReader::State::kIncomplete) break;
    if (state == RedisReader::State::kBroken || pending_.empty()) {
      broken_ = true;
      GoAway("it does not speak Redis's protocol");
    } else {
      TakeReply();
    }
    if (broken_) {
      Disconnect();
      return StartBackoff();
    }
  }
  if (pending_.empty() || pending_.front().deadline_us > Loop::NowUs()) {
    overdue_ = false;
  }
  Flush();
}

void RedisClient::TakeReply() {
  const RedisReply& reply = reader_->reply();
  if (reply.kind == RedisReply::Kind::kError) return TakeError(reply.text);
  const RedisPending::Entry& entry = pending_.front();
  const Kind kind = entry.kind;
  Batch* const batch = entry.batch;
  Waiter* const waiter = entry.waiter;
  pending_.Pop();
  const bool integers = reply.kind == RedisReply::Kind::kIntegers;
  const bool fits = kind == Kind::kLogin
                        ? reply.kind == RedisReply::Kind::kStatus
                        : integers && (!batch || TakeAnswers(reply, *batch));
  if (batch && fits) waiter->Done(*batch);
  if (batch && !fits) AnswerUnavailable(*batch, *waiter);
  if (!fits) {
    broken_ = true;
    return GoAway("an answer that does not fit the question");
  }
  if (kind == Kind::kProbe) ComeBack();
}

void RedisClient::TakeError(const std::string& error) {
  RedisPending::Entry& entry = pending_.front();
  if (error.starts_with("NOSCRIPT") && !entry.repeated && ready()) {
    return Repeat();
  }
  const bool asked = entry.kind == Kind::kAsk || entry.kind == Kind::kPost;
  // Late answers to who was told already say nothing about now.
  if (asked && !ready()) return pending_.Pop();
  broken_ = NeedsNewConnection(error) || entry.kind == Kind::kLogin;
  const bool probe = entry.kind == Kind::kProbe;
  // Redis may repeat the password that it does not take.
  GoAway(entry.kind == Kind::kLogin
             ? absl::StrFormat("login refused: %s",
                               Explain(error.substr(0, error.find(' '))))
             : Explain(error));
  pending_.Pop();
  if (probe && !broken_) StartBackoff();
}

void RedisClient::Repeat() {
  RedisPending::Entry first = std::move(pending_.front());
  pending_.Pop();
  RedisPending::Entry& again = Push(first.kind);
  again.repeated = true;
  again.deadline_us = first.deadline_us;
  again.batch = first.batch;
  again.waiter = first.waiter;
  if (first.kind == Kind::kAsk) {
    AppendAsk(ScriptName::kText, *first.batch, wire_->output());
  } else {
    again.command = std::move(first.command);
    AppendWithText(again.command, wire_->output());
  }
}

void RedisClient::ComeBack() {
  trying_ = false;
  ready_since_us_ = Loop::NowUs();
  why_.clear();
  timer_.Stop();
  ready_ = true;
  observer_.Shared(options_.address);
}

void RedisClient::GoAway(const std::string& why) {
  const bool was_ready = ready_.exchange(false);
  for (size_t i = 0; i < pending_.size(); ++i) {
    RedisPending::Entry& entry = pending_[i];
    if (!entry.batch) continue;
    Batch& batch = *std::exchange(entry.batch, nullptr);
    AnswerUnavailable(batch, *entry.waiter);
  }
  if (was_ready) {
    if (Loop::NowUs() - ready_since_us_ > kStableUs) {
      backoff_us_ = kMinBackoffUs;
    }
    StartBackoff();
  }
  if (why == why_) return;
  why_ = why;
  observer_.Away(options_.address, why);
}

void RedisClient::Disconnect() {
  wire_.reset();
  connected_ = false;
  pending_.Clear();
  unsent_ = 0;
}

void RedisClient::Failed(const std::string& why) {
  GoAway(why);
  Disconnect();
  StartBackoff();
}

void RedisClient::OnTimer() {
  if (ready()) return CheckDeadline();
  if (trying_) {
    if (!std::exchange(overdue_, true)) return timer_.Start(kGraceUs);
    GoAway(connected_ ? NoAnswer() : "no connection within 1 s");
    Disconnect();
    return StartBackoff();
  }
  if (wire_) return SendProbe();
  Connect();
}

void RedisClient::CheckDeadline() {
  if (pending_.empty()) return;
  const int64_t left = pending_.front().deadline_us - Loop::NowUs();
  if (left > 0) return timer_.Start(left);
  if (!std::exchange(overdue_, true)) return timer_.Start(kGraceUs);
  GoAway(NoAnswer());
}

void RedisClient::StartBackoff() {
  trying_ = overdue_ = false;
  std::uniform_int_distribution<int64_t> jitter(backoff_us_ * 3 / 4,
                                                backoff_us_ * 5 / 4);
  timer_.Start(jitter(jitter_));
  backoff_us_ = std::min(2 * backoff_us_, kMaxBackoffUs);
}

std::string RedisClient::NoAnswer() const {
  return absl::StrFormat("no answer within %d ms", options_.deadline_us / 1000);
}

}  // namespace gate::policy
