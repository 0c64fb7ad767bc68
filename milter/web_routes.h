// What the HTTP server answers to which request: the page's files, JSON, and
// Prometheus' text. Reads only, and knows neither sockets nor the library that
// speaks HTTP (web.cc).
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "milter/web_access.h"

namespace gate::milter {

// What the server shows. All but WhyJson are called on the server's thread,
// and must not wait; WhyJson on a thread of its own, one call at a time.
class WebSource {
 public:
  virtual ~WebSource() = default;
  virtual std::string StatsJson() = 0;
  virtual std::string MetricsText() = 0;  // for Prometheus
  // Those with a number above `after`; nothing: the newest.
  virtual std::string DecisionsJson(std::optional<uint64_t> after) = 0;
  // `stop`: to be ended soon, with whatever is found.
  virtual std::string WhyJson(const std::string& query,
                              const std::atomic<bool>& stop) = 0;
};

// The views live as long as the call.
struct WebRequest {
  std::string_view method;
  std::string_view path;                 // decoded, without the query
  std::optional<std::string_view> host;  // nothing: an HTTP/1.0 client's
  std::string_view authorization = {};
  std::string_view if_none_match = {};
  std::string_view fetch_site = {};            // Sec-Fetch-Site
  std::optional<std::string_view> after = {};  // arguments, decoded
  std::string_view query = {};
  bool has_body = false;
  rules::IpAddress client = {};
};

struct WebAnswer {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string text = {};       // the body, unless `file` is it
  std::string_view file = {};  // lives as long as the program
  std::vector<std::pair<std::string, std::string>> headers = {};
  // Not the answer yet: that is WhyJson's to this query.
  std::optional<std::string> search = {};
};

// The JSON of an answer.
WebAnswer JsonAnswer(std::string json);
// An error as text; also for what never became a request.
WebAnswer ErrorAnswer(unsigned status, std::string text);

// Thread-compatible.
class WebRoutes {
 public:
  // `own`: the address that the server listens on, without port.
  WebRoutes(WebSource& source, const std::string& password, std::string own)
      : source_(source),
        guarded_(!password.empty()),
        access_(password),
        own_(std::move(own)) {}

  WebAnswer Answer(const WebRequest& request, WebAccess::Time now);

 private:
  std::optional<WebAnswer> Refuse(const WebRequest& request,
                                  WebAccess::Time now);
  WebAnswer Api(const WebRequest& request);

  WebSource& source_;
  const bool guarded_;
  WebAccess access_;
  const std::string own_;
};

}  // namespace gate::milter
