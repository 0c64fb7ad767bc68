// The HTTP server of `set metrics`: the page, its JSON, Prometheus' text. It
// only shows. The only file pair that knows libmicrohttpd.
//
// One thread, on epoll, serves all connections; `why` has a second one. A
// connection may be idle for 10 s, and a request with its answer may take
// 30 s: slow ones are cut. One address may hold 64 connections; loopback, which
// may be a proxy's, all of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "milter/listener.h"
#include "milter/web_routes.h"

namespace gate::milter {

struct WebOptions {
  std::string password = {};  // empty: none is asked for
  // At most a quarter of the descriptors that the process may have.
  size_t max_connections = 2048;
  size_t max_per_address = 64;
  size_t max_per_loopback_address = 2048;
  std::chrono::seconds idle{10};
  std::chrono::seconds request{30};
  size_t max_searches = 8;  // that wait for the one under way
};

// Owns the socket and the threads. Thread-compatible.
class WebServer {
 public:
  WebServer(Listener listener, WebSource& source,
            const WebOptions& options = {});
  // Ends all connections and stops the search under way.
  ~WebServer();
  absl::Status Start();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gate::milter
