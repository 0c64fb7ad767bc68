#include "milter/dialogue.h"

#include <algorithm>
#include <array>
#include <utility>

#include "milter/negotiation.h"

namespace gate::milter {
namespace {

using policy::Counter;
using rules::Needs;

Reply Farewell(std::string_view text) {
  return {.code = "421",
          .enhanced = "4.3.2",
          .lines = {std::string(text)},
          .line_count = 1};
}

const Reply& FarewellOf(Counter why) {
  static const Reply drained =
      Farewell("Service is shutting down, try again later");
  static const Reply busy = Farewell("Too many connections, try again later");
  static const Reply broken = Farewell("Temporary failure, try again later");
  switch (why) {
    case Counter::kDrained:
      return drained;
    case Counter::kTurnedAway:
      return busy;
    default:
      return broken;
  }
}

// Events after MAIL and before the end of the message.
bool IsOfMessage(Command command) {
  switch (command) {
    case Command::kRcpt:
    case Command::kData:
    case Command::kHeader:
    case Command::kEndOfHeaders:
    case Command::kBody:
    case Command::kEndOfMessage:
      return true;
    default:
      return false;
  }
}

// An MTA says ABORT before it.
bool EndsMessage(Command command) {
  return command == Command::kConnect || command == Command::kHelo ||
         command == Command::kMail;
}

// CONNECT and MAIL are enough to say 421.
Needs NeedsToTurnAway() {
  Needs needs;
  needs.connect = needs.mail = true;
  return needs;
}

}  // namespace

Dialogue::Dialogue(const DialogueContext& context, DialogueOwner& owner)
    : context_(context), owner_(owner) {}

void Dialogue::Open(std::string_view listener) {
  listener_ = listener;
  macros_.Clear();
  negotiated_ = connected_ = false;
  message_ = Message::kNone;
  turned_away_.reset();
}

void Dialogue::Done(policy::Batch&) noexcept {
  answered_ = true;
  if (waiting_) owner_.Answered(*this);
}

bool Dialogue::Await() noexcept {
  waiting_ = !answered_;
  answered_ = false;
  return !waiting_;
}

Connection& Dialogue::Opened() {
  if (!connection_) {
    connection_.emplace(context_.engine, context_.store, context_.statistics,
                        static_cast<Answers&>(*this));
  } else if (!opened_) {
    connection_->Open();
  }
  opened_ = true;
  return *connection_;
}

Dialogue::State Dialogue::Take(const Packet& packet,
                               std::string& out) noexcept {
  const size_t before = out.size();
  try {
    return Dispatch(packet, out);
  } catch (...) {
    out.resize(before);
    return Break(Counter::kFailures, out);
  }
}

Dialogue::State Dialogue::Resume(std::string& out) noexcept {
  waiting_ = answered_ = false;
  const size_t before = out.size();
  try {
    return Answer(connection_->Resume(), out);
  } catch (...) {
    out.resize(before);
    return Break(Counter::kFailures, out);
  }
}

Dialogue::State Dialogue::Break(Counter why, std::string& out) noexcept {
  context_.statistics.Count(why);
  const size_t before = out.size();
  try {
    AppendReplyCode(FarewellOf(why), out);
  } catch (...) {
    out.resize(before);  // the end of the connection has to say it
  }
  return State::kFarewell;
}

void Dialogue::Close() noexcept {
  if (std::exchange(opened_, false)) connection_->Close();
}

Dialogue::State Dialogue::Dispatch(const Packet& packet, std::string& out) {
  const auto command = static_cast<Command>(packet.command);
  if (!negotiated_ && command != Command::kNegotiate &&
      command != Command::kQuit) {
    return Break(Counter::kOutOfOrder, out);
  }
  switch (command) {
    case Command::kNegotiate:
      return Negotiate(packet.data, out);
    case Command::kMacros:
      return TakeMacros(packet.data, out);
    case Command::kAbort:
      if (opened_) connection_->Abort();
      message_ = Message::kNone;
      return State::kOpen;
    case Command::kQuitNewConnection:
      Close();
      macros_.Clear();
      connected_ = false;
      message_ = Message::kNone;
      return State::kOpen;
    case Command::kQuit:
      return State::kQuit;
    case Command::kConnect:
    case Command::kHelo:
    case Command::kMail:
    case Command::kRcpt:
    case Command::kData:
    case Command::kHeader:
    case Command::kEndOfHeaders:
    case Command::kBody:
    case Command::kEndOfMessage:
    case Command::kUnknown:
      return TakeEvent(packet, out);
  }
  return Break(Counter::kUnknownCommands, out);
}

Features Dialogue::Agree(const Features& offered) {
  if (turned_away_) return Choose(NeedsToTurnAway(), offered);
  Close();  // of an MTA that negotiates twice
  const Needs& needs = Opened().policy().needs();
  context_.lost_features.Report(Missing(needs, offered));
  return Choose(needs, offered);
}

Dialogue::State Dialogue::Negotiate(std::string_view data, std::string& out) {
  const std::optional<Offer> offer = DecodeOffer(data);
  if (!offer || offer->version < kMinProtocolVersion) {
    return Break(Counter::kMalformedPackets, out);
  }
  agreed_ = Agree(offer->features);
  negotiated_ = true;
  connected_ = false;
  message_ = Message::kNone;
  macros_.Clear();
  std::array<MacroList, rules::kStageCount> lists;
  size_t count = 0;
  // A stage without macros keeps the MTA's own list: to Postfix an empty list
  // means just that.
  const bool ask = (agreed_.actions & kActionSetMacros) != 0 && opened_;
  for (size_t stage = 0; ask && stage < rules::kStageCount; ++stage) {
    const auto& names = connection_->policy().needs().macros[stage];
    if (names.empty()) continue;
    lists[count++] = {.place = PlaceOf(static_cast<rules::Stage>(stage)),
                      .names = names};
  }
  AppendNegotiation(std::min(offer->version, kProtocolVersion), agreed_,
                    std::span(lists).first(count), out);
  return State::kOpen;
}

Dialogue::State Dialogue::TakeMacros(std::string_view data, std::string& out) {
  const std::optional<MacroBlock> block = DecodeMacros(data);
  if (!block) return Break(Counter::kMalformedPackets, out);
  if (!macros_.Take(*block)) return Break(Counter::kTooBigPackets, out);
  return State::kOpen;
}

Dialogue::State Dialogue::TakeEvent(const Packet& packet, std::string& out) {
  event_ = static_cast<Command>(packet.command);
  ForgetMessage();
  NoteOrder();
  macros_.Begin(event_);
  const bool silent = event_ == Command::kHeader &&
                      (agreed_.steps & kStepNoReplyToHeaders) != 0;
  if (turned_away_) {
    return silent ? State::kOpen : Break(*turned_away_, out);
  }
  const std::optional<Response> response = Decide(packet.data);
  if (!response) return Break(Counter::kMalformedPackets, out);
  return silent ? State::kOpen : Answer(*response, out);
}

// As libmilter does: what a message was charged is given back before the event
// asks for more. And what comes behind the end of a message without a MAIL of
// its own is not judged by what was in that message.
void Dialogue::ForgetMessage() {
  const bool over = (message_ == Message::kOpen && EndsMessage(event_)) ||
                    (message_ == Message::kEnded && IsOfMessage(event_));
  if (over && opened_) connection_->Abort();
}

void Dialogue::NoteOrder() {
  if (event_ == Command::kUnknown) return;  // fits anywhere
  const bool of_message = IsOfMessage(event_);
  const bool no_message = of_message && message_ != Message::kOpen &&
                          (agreed_.steps & kStepNoMail) == 0;
  const bool again =
      event_ == Command::kConnect && std::exchange(connected_, true);
  if (no_message || again) {
    context_.statistics.Count(Counter::kOutOfOrder);
  }
  if (event_ == Command::kEndOfMessage) {
    message_ = Message::kEnded;
  } else if (event_ == Command::kMail) {
    message_ = Message::kOpen;
  } else if (!of_message || message_ == Message::kEnded) {
    message_ = Message::kNone;
  }
}

std::optional<Response> Dialogue::Connect(std::string_view data) {
  const std::optional<ConnectArguments> arguments = DecodeConnect(data);
  if (!arguments) return std::nullopt;
  return Opened().Connect({.macros = macros_,
                           .host = arguments->host,
                           .address = arguments->address,
                           .port = arguments->port,
                           .listener = listener_});
}

std::optional<Response> Dialogue::Decide(std::string_view data) {
  Connection& connection = Opened();
  switch (event_) {
    case Command::kConnect:
      return Connect(data);
    case Command::kHelo: {
      const std::optional<std::string_view> name = DecodeText(data);
      if (!name) return std::nullopt;
      return connection.Helo({.macros = macros_, .name = *name});
    }
    case Command::kMail:
    case Command::kRcpt: {
      const std::optional<std::string_view> path =
          DecodePath(data, parameters_);
      if (!path) return std::nullopt;
      if (event_ == Command::kMail) {
        return connection.Mail(
            {.macros = macros_, .path = *path, .parameters = parameters_});
      }
      return connection.Rcpt(
          {.macros = macros_, .path = *path, .parameters = parameters_});
    }
    case Command::kData:
      return connection.Data({.macros = macros_});
    case Command::kHeader: {
      const std::optional<HeaderField> field = DecodeHeader(data);
      if (!field) return std::nullopt;
      connection.Header(field->name, field->value);
      return Response::kContinue;
    }
    case Command::kEndOfHeaders:
      return connection.Headers({.macros = macros_});
    case Command::kBody:
      return connection.Body(data);
    case Command::kEndOfMessage:
      // May bring the last of the body.
      if (!data.empty()) connection.Body(data);
      return connection.Message({.macros = macros_});
    default:
      return Response::kContinue;
  }
}

Dialogue::State Dialogue::Answer(Response response, std::string& out) {
  const bool goes_on =
      response == Response::kContinue || response == Response::kPending;
  if (event_ == Command::kMail && !goes_on) message_ = Message::kNone;
  switch (response) {
    case Response::kPending:
      return State::kWaiting;
    case Response::kContinue:
      if (event_ == Command::kEndOfMessage) AppendChanges(out);
      AppendReply(ReplyCommand::kContinue, out);
      break;
    case Response::kReject:
    case Response::kDefer:
      if (connection_->reply().line_count > 0) {
        AppendReplyCode(connection_->reply(), out);
      } else {
        AppendReply(ReplyCommand::kTemporaryFailure, out);
      }
      break;
    case Response::kDiscard:
      AppendReply(ReplyCommand::kDiscard, out);
      break;
    case Response::kSkipBody:
      AppendReply((agreed_.steps & kStepSkip) != 0 ? ReplyCommand::kSkip
                                                   : ReplyCommand::kContinue,
                  out);
      break;
  }
  return State::kOpen;
}

// What the MTA did not offer is left out; that was said in the log.
void Dialogue::AppendChanges(std::string& out) const {
  for (const HeaderChange& change : connection_->changes()) {
    if (change.kind == HeaderChange::Kind::kRemove) {
      if ((agreed_.actions & kActionChangeHeaders) == 0) continue;
      AppendRemoveHeader(change.name, change.instance, out);
    } else if ((agreed_.actions & kActionAddHeaders) != 0) {
      AppendAddHeader(change.name, change.value, out);
    }
  }
  if (!connection_->quarantine().empty() &&
      (agreed_.actions & kActionQuarantine) != 0) {
    AppendQuarantine(connection_->quarantine(), out);
  }
}

}  // namespace gate::milter
