// A blocking SMTP client for tests: it sends what it is told and returns whole
// replies. Every wait ends after kAnswerLimit.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "tests/mta/stream.h"

namespace gate::mta {

// `text` has all lines, joined by "\n", each with its code: "550 5.7.1 No".
// A connection that was closed or did not answer has the code 0 and says so.
struct Reply {
  int code = 0;
  std::string text;
};

// Who visits an MTA (PrivateMta::Visit).
struct Visitor {
  std::string address = "203.0.113.9";  // or an IPv6 address
  std::string name = {};                // empty: none is known
  std::string helo = "mx.spam.example";
  std::string login = {};  // by XCLIENT; empty: not authenticated
};

// How the TCP connection comes.
struct Origin {
  std::string address = "127.0.0.1";  // one of 127/8
  bool tls = false;                   // from the first byte on
};

// Closes its connection when it goes away. Thread-compatible.
class SmtpClient {
 public:
  static constexpr auto kAnswerLimit = std::chrono::seconds(30);

  // Connects to 127.0.0.1:port; greeting() is what the server said.
  explicit SmtpClient(int port, const Origin& origin = {});
  // Connects, and comes as `visitor`: EHLO, XCLIENT, and EHLO again.
  SmtpClient(int port, const Visitor& visitor, const Origin& origin = {});

  Reply Ehlo(std::string_view name);
  // XCLIENT and EHLO: comes as another visitor on the same TCP connection, for
  // gatemilter a new one. Returns the greeting.
  Reply Become(const Visitor& visitor);
  // STARTTLS, the handshake and EHLO `name`. Returns the first answer that is
  // a refusal, else the last.
  Reply StartTls(std::string_view name);
  Reply AuthPlain(std::string_view user, std::string_view password);

  // The last greeting, and the answer to the last EHLO.
  const Reply& greeting() const { return greeting_; }
  const Reply& helo() const { return helo_; }

  Reply Send(std::string_view line);  // without line end
  Reply Mail(std::string_view path) { return Send("MAIL FROM:" + Text(path)); }
  Reply Rcpt(std::string_view path) { return Send("RCPT TO:" + Text(path)); }
  // DATA, then `message` (lines end with "\n") with dots doubled. Returns the
  // answer to DATA when that is not 354.
  Reply Data(std::string_view message);
  // Only what follows DATA.
  Reply Content(std::string_view message);
  // MAIL, RCPT and Data, up to the first refusal.
  Reply Deliver(std::string_view sender, std::string_view rcpt,
                std::string_view message);
  // Sends what it is given as it is and does not wait for an answer.
  bool Write(std::string_view bytes) { return stream_.Write(bytes); }
  void Close() { stream_.Close(); }

 private:
  static std::string Text(std::string_view text) { return std::string(text); }
  Reply Read();
  // The next line without its end; false: closed, or no answer in time.
  bool ReadLine(std::string& line);

  Stream stream_;
  std::string input_;  // received, not yet read as lines
  Reply greeting_;
  Reply helo_;
};

}  // namespace gate::mta
