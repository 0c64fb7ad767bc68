#include "tests/mta/load_visitor.h"

#include <charconv>
#include <cstdio>
#include <iterator>

namespace gate::mta {
namespace {

constexpr char kBob[] = "<bob@example.org>";
constexpr char kMessage[] =
    "From: Alice <alice@sender.example>\n"
    "To: bob@example.org\n"
    "X-Seen: forged\n"
    "Subject: lunch\n"
    "x-seen: forged again\n"
    "\n"
    "At noon?\n"
    ".a line with a dot\n";

auto Now() { return std::chrono::steady_clock::now(); }

}  // namespace

const LoadVisitor::Play LoadVisitor::kPlays[] = {
    &LoadVisitor::WriteMessages, &LoadVisitor::BeEdited,
    &LoadVisitor::ChangeItsMind, &LoadVisitor::TryToRelay,
    &LoadVisitor::TryToRelay,    &LoadVisitor::RelayAsNeighbour,
    &LoadVisitor::Hurry,         &LoadVisitor::StepIntoTrap,
    &LoadVisitor::ForgeHelo,     &LoadVisitor::ComeFromBlockedNetwork,
    &LoadVisitor::Vanish,        &LoadVisitor::SendBadContent,
    &LoadVisitor::Vanish,
};

LoadVisitor::LoadVisitor(int port, uint64_t seed, const Editions& editions)
    : port_(port), seed_(seed), editions_(editions), random_(seed) {}

void LoadVisitor::PlayUntil(Time end) {
  while (fault_.empty() && Now() < end) {
    PlaySession();
    ++sessions_;
  }
}

// Up to three visitors come on one TCP connection.
void LoadVisitor::PlaySession() {
  client_.emplace(port_);
  ExpectCode(client_->greeting(), 220);
  if (Below(10) > 0) ExpectCode(client_->Send("EHLO localhost"), 250);
  const size_t visitors = Below(4);
  for (size_t i = 0; i < visitors && client_.has_value(); ++i) {
    (this->*kPlays[Below(std::size(kPlays))])();
  }
  if (client_.has_value() && Below(2) > 0) {
    ExpectCode(client_->Send("QUIT"), 221);
  }
  client_.reset();
}

void LoadVisitor::WriteMessages() {
  Arrive(Stranger());
  Deliver(kBob, kMessage);
  if (Below(2) > 0) Deliver(kBob, kMessage);
}

void LoadVisitor::BeEdited() {
  Arrive(Stranger());
  const std::string rcpt = "kept-" + std::to_string(seed_) + "-" +
                           std::to_string(kept_.size()) + "@relay.test";
  Deliver("<" + rcpt + ">", kMessage);
  kept_[rcpt] = {oldest_edition_, newest_edition_};
}

void LoadVisitor::ChangeItsMind() {
  Arrive(Stranger());
  const size_t attempts = 1 + Below(2);
  for (size_t i = 0; i < attempts; ++i) {
    ExpectCode(client_->Mail("<changed@sender.example>"), 250);
    if (Below(2) > 0) ExpectRelayDenied("<b@elsewhere.example>");
    if (Below(3) > 0) ExpectCode(client_->Rcpt(kBob), 250);
    ExpectCode(client_->Send(Below(2) > 0 ? "RSET" : "EHLO again.example"),
               250);
  }
  Deliver(kBob, kMessage);
}

// Often with a local recipient: the message is for that one.
void LoadVisitor::TryToRelay() {
  Arrive(Stranger());
  ExpectCode(client_->Mail("<a@spam.example>"), 250);
  ExpectRelayDenied("<b@elsewhere.example>");
  const size_t choice = Below(3);
  if (choice == 0) return;
  ExpectCode(client_->Rcpt(kBob), 250);
  if (choice == 1) ExpectRelayDenied("<c%elsewhere.example@example.org>");
  ExpectCode(client_->Data(kMessage), 250);
  CountMessage();
}

void LoadVisitor::RelayAsNeighbour() {
  Arrive({.address = "192.0.2." + std::to_string(1 + Below(200)),
          .helo = "example.org"});
  Deliver("<b@elsewhere.example>", kMessage);
}

// Four messages a minute: a fifth fits after 15 s only.
void LoadVisitor::Hurry() {
  Arrive(Stranger());
  const Time begin = Now();
  int admitted = 0;
  for (int i = 0; i < 6; ++i) {
    const Reply reply = client_->Mail("<hurried@sender.example>");
    if (reply.code == 250) {
      ++admitted;
      ExpectCode(client_->Rcpt(kBob), 250);
      ExpectCode(client_->Data(kMessage), 250);
      CountMessage();
    } else {
      Expect(reply, "451 4.7.1 Slow down");
      Held("mail", "slow");
    }
  }
  const auto most = 4 + (Now() - begin) / std::chrono::seconds(15);
  if (admitted < 4 || admitted > most) {
    Fail(std::to_string(admitted) + " messages in a hurry were admitted");
  }
}

void LoadVisitor::StepIntoTrap() {
  const Visitor visitor = Stranger();
  Arrive(visitor);
  ExpectCode(client_->Mail("<a@spam.example>"), 250);
  ExpectCode(client_->Rcpt("<trap@example.org>"), 250);
  Held("rcpt", "trap");
  Arrive(visitor);
  Expect(client_->Mail("<a@spam.example>"), "554 5.7.1 Banned");
  Held("connect", "outcast");
}

void LoadVisitor::ComeFromBlockedNetwork() {
  const std::string address = "198.51.100." + std::to_string(1 + Below(200));
  Arrive({.address = address});
  const size_t attempts = 1 + Below(3);
  for (size_t i = 0; i < attempts; ++i) {
    Expect(client_->Mail("<a@spam.example>"),
           "554 5.7.1 Blocked network: " + address);
  }
  Held("connect", "blocked");
}

void LoadVisitor::ForgeHelo() {
  Visitor forger = Stranger();
  forger.helo = "example.org";
  Arrive(forger);
  Expect(client_->Mail("<a@spam.example>"),
         "550 5.7.1 That is not your name: example.org");
  Held("mail", "forged");
  if (Below(2) > 0) return;
  ExpectCode(client_->Send("EHLO mx.spam.example"), 250);
  ExpectCode(client_->Mail("<a@spam.example>"), 250);
}

void LoadVisitor::SendBadContent() {
  Arrive(Stranger());
  const std::string message = kMessage;
  if (Below(2) > 0) {
    Expect(client_->Deliver("<a@spam.example>", kBob,
                            "From: ceo@example.org\n" + message),
           "550 5.7.1 A message has one From header");
    Held("headers", "one_from");
  } else {
    Expect(client_->Deliver("<a@spam.example>", kBob,
                            message + "Cheap\n watches\n"),
           "550 5.7.1 Not here");
    Held("message", "words");
  }
}

// Closes the connection in each state, with and without an answer under way.
void LoadVisitor::Vanish() {
  constexpr char kMail[] = "MAIL FROM:<vanishing@spam.example>\r\n";
  Arrive(Stranger());
  const size_t state = Below(7);
  if (state == 1) client_->Write(kMail);
  if (state >= 2) {
    ExpectCode(client_->Mail("<vanishing@spam.example>"), 250);
  }
  if (state >= 3) ExpectCode(client_->Rcpt(kBob), 250);
  if (state >= 4) ExpectCode(client_->Send("DATA"), 354);
  if (state >= 5) client_->Write("From: a@spam.example\r\n\r\nHalf a ");
  if (state >= 6) client_->Write("message\r\n.\r\n");
  client_.reset();
}

// A message under way is given up first.
void LoadVisitor::Arrive(const Visitor& visitor) {
  ExpectCode(client_->Send("RSET"), 250);
  oldest_edition_ = editions_.oldest;
  ExpectCode(client_->Become(visitor), 220);
  newest_edition_ = editions_.newest;
  ExpectCode(client_->helo(), 250);
}

void LoadVisitor::Deliver(const std::string& rcpt, const std::string& message) {
  ExpectCode(client_->Deliver("<alice@sender.example>", rcpt, message), 250);
  CountMessage();
}

void LoadVisitor::CountMessage() {
  Held("message", "seen");
  Held("message", "subject");
}

// Once an edition has answered, the connection stays with it.
void LoadVisitor::ExpectRelayDenied(const std::string& rcpt) {
  constexpr std::string_view kText = "554 5.7.1 Relaying denied by edition ";
  const Reply reply = client_->Rcpt(rcpt);
  int edition = -1;
  if (reply.text.rfind(kText, 0) == 0) {
    std::from_chars(reply.text.data() + kText.size(),
                    reply.text.data() + reply.text.size(), edition);
  }
  if (edition < oldest_edition_ || edition > newest_edition_) {
    Fail("editions " + std::to_string(oldest_edition_) + " to " +
         std::to_string(newest_edition_) + " can refuse " + rcpt +
         ", but the answer is: " + reply.text);
  }
  oldest_edition_ = newest_edition_ = edition;
  Held("rcpt", "no_relay");
}

void LoadVisitor::Expect(const Reply& reply, std::string_view text) {
  if (reply.text == text) return;
  Fail("the answer should be `" + std::string(text) + "`: " + reply.text);
}

void LoadVisitor::ExpectCode(const Reply& reply, int code) {
  if (reply.code == code) return;
  Fail("the answer should be a " + std::to_string(code) + ": " + reply.text);
}

// What follows from the first fault says nothing new.
void LoadVisitor::Fail(const std::string& fault) {
  if (!fault_.empty()) return;
  fault_ = "GATE_SEED=" + std::to_string(seed_) + ", session " +
           std::to_string(sessions_) + ": " + fault;
}

Visitor LoadVisitor::Stranger() {
  ++strangers_;
  char address[64];
  std::snprintf(address, sizeof address, "2001:db9:%x:%x::%x:%x",
                static_cast<unsigned>(seed_ >> 16 & 0xffff),
                static_cast<unsigned>(seed_ & 0xffff),
                static_cast<unsigned>(strangers_ >> 16 & 0xffff),
                static_cast<unsigned>(strangers_ & 0xffff));
  return {.address = address};
}

}  // namespace gate::mta
