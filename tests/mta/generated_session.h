// Sessions made up from a seed, and how they are written for those who play
// them: `gatemilter ask` and tests/miltertest/play.lua.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gate::mta {

struct GeneratedMessage {
  std::string helo;    // said before it; empty: it is not said again
  std::string sender;  // "<a@a.example>", "<>"
  size_t size = 0;     // SIZE that MAIL declares; 0: none
  std::vector<std::string> recipients;
  bool sent = true;    // else RSET comes instead of DATA
  bool reset = false;  // RSET after it; always if it is not sent
  std::string id;      // its Message-ID, unique
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> body;  // lines

  // What follows DATA; lines end with "\n".
  std::string Content() const;
};

// One connection. A client that is not turned away greets once more before it
// leaves: then all that came before has been carried out.
struct GeneratedSession {
  std::string address;  // IPv4, of the networks of the documentation
  std::string helo;
  std::vector<GeneratedMessage> messages;
};

// The policy that these sessions are made for: each of its rules decides
// some of them. Its facts are those that every player can give, its limits
// do not refill while a test runs.
std::string_view SessionsPolicy();

std::vector<GeneratedSession> GenerateSessions(uint64_t seed, size_t count);

// All that the client would say if nothing were refused.
std::string ForAsk(const GeneratedSession& session);
std::string ForPlayLua(const GeneratedSession& session);

}  // namespace gate::mta
