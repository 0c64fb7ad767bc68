// A plain HTTP client for tests: it sends the bytes that the test says, and
// reads whole answers. Every wait has a deadline.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "milter/control_stream.h"

namespace gate::milter {

struct HttpAnswer {
  int status = 0;  // 0: the server closed the connection
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// One connection to a port of 127.0.0.1. Confined to one thread.
class HttpClient {
 public:
  explicit HttpClient(uint16_t port, const std::string& from = "127.0.0.1");

  bool connected() const { return fd_.get() >= 0; }
  // False: the server has closed the connection.
  bool Send(std::string_view bytes);
  // Of GET (and others with a body); of HEAD without one.
  HttpAnswer Read(bool body = true);
  // GET or another method; `headers`: whole lines, with CR LF.
  HttpAnswer Ask(std::string_view target, std::string_view headers = {},
                 std::string_view method = "GET");
  // Reads until the server closes the connection, or falls silent; how many
  // bytes there were behind the answers that were read.
  size_t ReadToEnd();
  // Whether the server closes the connection within `time`.
  bool Closes(std::chrono::milliseconds time);

 private:
  bool ReadMore();

  UniqueFd fd_;
  std::string input_;
};

// The port that the listening socket has.
uint16_t PortOf(int listener);

}  // namespace gate::milter
