// A blocking SMTP client for tests: it sends what it is told and returns whole
// replies. Every wait ends after kAnswerLimit.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace gate::mta {

// `text` has all lines, joined by "\n", each with its code: "550 5.7.1 No".
// A connection that was closed or did not answer has the code 0 and says so.
struct Reply {
  int code = 0;
  std::string text;
};

// How the client looks to Postfix and its milters (XCLIENT).
struct Visitor {
  std::string address = "203.0.113.9";  // or an IPv6 address
  std::string name = {};                // empty: none is known
  std::string helo = "mx.spam.example";
  std::string login = {};  // empty: not authenticated
};

// Closes its connection when it goes away. Thread-compatible.
class SmtpClient {
 public:
  static constexpr auto kAnswerLimit = std::chrono::seconds(30);

  // Connects to 127.0.0.1:port; greeting() is what the server said.
  explicit SmtpClient(int port);
  // Connects, and comes as `visitor`: EHLO, XCLIENT, and EHLO again.
  SmtpClient(int port, const Visitor& visitor);
  SmtpClient(SmtpClient&& other) noexcept;
  SmtpClient& operator=(SmtpClient&&) = delete;
  ~SmtpClient();

  // Comes as another visitor on the same TCP connection: for gatemilter a new
  // one. Returns the greeting; helo() is the answer to its EHLO.
  Reply Become(const Visitor& visitor);

  // After XCLIENT: the greeting and the answer to EHLO that came after it.
  const Reply& greeting() const { return greeting_; }
  const Reply& helo() const { return helo_; }

  Reply Send(std::string_view line);  // without line end
  Reply Mail(std::string_view path) { return Send("MAIL FROM:" + Text(path)); }
  Reply Rcpt(std::string_view path) { return Send("RCPT TO:" + Text(path)); }
  // DATA, then `message` (lines end with "\n") with dots doubled. Returns the
  // answer to DATA when that is not 354.
  Reply Data(std::string_view message);
  // MAIL, RCPT and Data, up to the first refusal.
  Reply Deliver(std::string_view sender, std::string_view rcpt,
                std::string_view message);
  // Sends what it is given as it is and does not wait for an answer.
  bool Write(std::string_view bytes) const;
  void Close();

 private:
  static std::string Text(std::string_view text) { return std::string(text); }
  Reply Read();
  // The next line without its end; false: closed, or no answer in time.
  bool ReadLine(std::string& line);

  int fd_ = -1;
  std::string input_;  // received, not yet read as lines
  Reply greeting_;
  Reply helo_;
};

}  // namespace gate::mta
