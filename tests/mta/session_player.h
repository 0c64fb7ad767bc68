// Plays generated sessions as an SMTP client does, and writes down in one form
// what it is answered, whoever answers: an MTA, or a record of what gatemilter
// decided.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/mta/generated_session.h"
#include "tests/mta/private_mta.h"
#include "tests/mta/smtp_client.h"

namespace gate::mta {

// A line for each event: "rcpt accept", "mail 554 5.7.1 Blocked", "connect
// 421" (no MTA shows our text there), "message quarantine".
using Transcript = std::vector<std::string>;

// Who answers: "accept" or a reply on one line; to Content "quarantine" or
// "discard", too. Confined to one thread.
class SessionDoor {
 public:
  virtual ~SessionDoor() = default;

  virtual std::string Connect(const GeneratedSession& session) = 0;
  virtual std::string Helo(const std::string& name) = 0;
  virtual std::string Mail(const GeneratedMessage& message) = 0;
  virtual std::string Rcpt(const std::string& path) = 0;
  virtual std::string Data() = 0;
  virtual std::string Content(const GeneratedMessage& message) = 0;
  virtual void Reset() = 0;
  // Hangs up. What was asked beyond the client's commands; empty: nothing.
  virtual std::string Leave() = 0;
};

Transcript PlaySession(const GeneratedSession& session, SessionDoor& door);

// What gatemilter decided, event by event, in `ask` or by play.lua.
class RecordedDoor : public SessionDoor {
 public:
  struct Decision {
    std::string event;  // "connect" ... "data", "message"
    std::string answer;
  };
  explicit RecordedDoor(std::deque<Decision> decisions)
      : decisions_(std::move(decisions)) {}

  std::string Connect(const GeneratedSession& session) override;
  std::string Helo(const std::string& name) override;
  std::string Mail(const GeneratedMessage& message) override;
  std::string Rcpt(const std::string& path) override;
  std::string Data() override;
  std::string Content(const GeneratedMessage& message) override;
  void Reset() override { discarded_ = false; }
  std::string Leave() override;

 private:
  // The next decision, which must be about this event. An MTA asks nothing
  // more of a discarded message, and accepts all of it.
  std::string Next(std::string_view event);

  std::deque<Decision> decisions_;
  bool discarded_ = false;
};

// A real MTA. It accepts what is then discarded or quarantined: Content
// answers "taken ID" (the message's id).
class SmtpDoor : public SessionDoor {
 public:
  explicit SmtpDoor(const PrivateMta& mta) : mta_(mta) {}

  std::string Connect(const GeneratedSession& session) override;
  std::string Helo(const std::string& name) override;
  std::string Mail(const GeneratedMessage& message) override;
  std::string Rcpt(const std::string& path) override;
  std::string Data() override;
  std::string Content(const GeneratedMessage& message) override;
  void Reset() override { client_->Send("RSET"); }
  std::string Leave() override;

 private:
  const PrivateMta& mta_;
  std::optional<SmtpClient> client_;
  bool greeted_ = false;  // Visit says the first HELO
};

}  // namespace gate::mta
