#include "tests/mta/session_player.h"

#include <utility>

namespace gate::mta {
namespace {

constexpr std::string_view kAccept = "accept";

// The client's side of one session.
class Player {
 public:
  explicit Player(SessionDoor& door) : door_(door) {}

  Transcript Play(const GeneratedSession& session) {
    Hear("connect", door_.Connect(session));
    if (!over_) Hear("helo", door_.Helo(session.helo));
    for (const GeneratedMessage& message : session.messages) {
      if (!over_) Deliver(message);
    }
    if (!over_) Hear("helo", door_.Helo(session.helo));
    const std::string rest = door_.Leave();
    if (!rest.empty()) transcript_.push_back("asked besides: " + rest);
    return std::move(transcript_);
  }

 private:
  void Deliver(const GeneratedMessage& message) {
    if (!message.helo.empty()) Hear("helo", door_.Helo(message.helo));
    const bool complete = Send(message);
    if (!over_ && (!complete || message.reset)) door_.Reset();
  }
  // Whether an answer to the whole message was heard.
  bool Send(const GeneratedMessage& message) {
    if (!Hear("mail", door_.Mail(message))) return false;
    bool accepted = false;
    for (const std::string& rcpt : message.recipients) {
      if (over_) return false;
      accepted |= Hear("rcpt", door_.Rcpt(rcpt));
    }
    if (over_ || !accepted || !message.sent) return false;
    if (!Hear("data", door_.Data())) return false;
    Hear("message", door_.Content(message));
    return true;
  }
  // Whether it was accepted. A 421 ends the connection.
  bool Hear(const std::string& event, const std::string& answer) {
    transcript_.push_back(event + " " + answer);
    over_ = answer.starts_with("421");
    return answer == kAccept;
  }

  SessionDoor& door_;
  Transcript transcript_;
  bool over_ = false;
};

// A reply of several lines as one: code and enhanced code stand before each.
std::string OneLine(const std::string& text) {
  std::string line = text;
  for (size_t end = line.find('\n'); end != std::string::npos;
       end = line.find('\n', end)) {
    line.replace(end, std::string_view("\n554 5.7.1").size(), "");
  }
  return line;
}

std::string Answer(const Reply& reply, int good) {
  return reply.code == good ? std::string(kAccept) : OneLine(reply.text);
}

// Sendmail puts the address into its replies of these codes to MAIL and RCPT;
// Postfix does not.
std::string WithoutAddress(std::string answer, const std::string& path) {
  constexpr size_t kText = std::string_view("550 5.7.1 ").size();
  const std::string address = path + "... ";
  for (const char* code : {"450 ", "550 ", "553 "}) {
    if (answer.starts_with(code) &&
        answer.compare(kText, address.size(), address) == 0) {
      answer.erase(kText, address.size());
    }
  }
  return answer;
}

}  // namespace

Transcript PlaySession(const GeneratedSession& session, SessionDoor& door) {
  return Player(door).Play(session);
}

std::string RecordedDoor::Next(std::string_view event) {
  if (discarded_) return std::string(kAccept);
  if (decisions_.empty() || decisions_.front().event != event) {
    return "was not asked about";
  }
  std::string answer = std::move(decisions_.front().answer);
  decisions_.pop_front();
  discarded_ = answer == "discard";
  return discarded_ ? std::string(kAccept) : answer;
}

std::string RecordedDoor::Connect(const GeneratedSession&) {
  const std::string answer = Next("connect");
  return answer.starts_with("421") ? "421" : answer;
}

std::string RecordedDoor::Helo(const std::string&) {
  discarded_ = false;
  return Next("helo");
}

std::string RecordedDoor::Mail(const GeneratedMessage&) {
  discarded_ = false;
  return Next("mail");
}

std::string RecordedDoor::Rcpt(const std::string&) { return Next("rcpt"); }

std::string RecordedDoor::Data() { return Next("data"); }

std::string RecordedDoor::Content(const GeneratedMessage&) {
  const std::string answer = Next("message");
  return discarded_ ? "discard" : answer;
}

std::string RecordedDoor::Leave() {
  std::string rest;
  for (const Decision& decision : decisions_) {
    rest += decision.event + " " + decision.answer + "; ";
  }
  return rest;
}

std::string SmtpDoor::Connect(const GeneratedSession& session) {
  client_.emplace(mta_.Visit({.address = session.address, .helo = session.helo},
                             Port::kSmtp));
  greeted_ = false;
  const Reply& greeting = client_->greeting();
  return greeting.code == 421 ? "421" : Answer(greeting, 220);
}

std::string SmtpDoor::Helo(const std::string& name) {
  const bool again = std::exchange(greeted_, true);
  return Answer(again ? client_->Ehlo(name) : client_->helo(), 250);
}

std::string SmtpDoor::Mail(const GeneratedMessage& message) {
  const std::string size =
      message.size == 0 ? "" : " SIZE=" + std::to_string(message.size);
  return WithoutAddress(Answer(client_->Mail(message.sender + size), 250),
                        message.sender);
}

std::string SmtpDoor::Rcpt(const std::string& path) {
  return WithoutAddress(Answer(client_->Rcpt(path), 250), path);
}

std::string SmtpDoor::Data() { return Answer(client_->Send("DATA"), 354); }

std::string SmtpDoor::Content(const GeneratedMessage& message) {
  const Reply reply = client_->Content(message.Content());
  return reply.code == 250 ? "taken " + message.id : OneLine(reply.text);
}

std::string SmtpDoor::Leave() {
  client_->Send("QUIT");
  client_.reset();
  return {};
}

}  // namespace gate::mta
