#include "milter/web_routes.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "milter/web_page.h"

namespace gate::milter {
namespace {

// A name, an address, a network or a reference; nothing is longer.
constexpr size_t kMaxQueryBytes = 320;
constexpr std::string_view kMetricsType =
    "text/plain; version=0.0.4; charset=utf-8";

WebAnswer FileAnswer(const PageFile& file, std::string_view if_none_match) {
  WebAnswer answer{.type = std::string(file.type)};
  answer.headers = {{"ETag", file.etag}, {"Cache-Control", "no-cache"}};
  if (if_none_match == file.etag) {
    answer.status = 304;
  } else {
    answer.file = file.bytes;
  }
  return answer;
}

WebAnswer WithHeader(WebAnswer answer, std::string name, std::string value) {
  answer.headers.emplace_back(std::move(name), std::move(value));
  return answer;
}

}  // namespace

WebAnswer JsonAnswer(std::string json) {
  return {.type = "application/json",
          .text = std::move(json),
          .headers = {{"Cache-Control", "no-store"}}};
}

WebAnswer ErrorAnswer(unsigned status, std::string text) {
  return {.status = status,
          .text = absl::StrCat(text, "\n"),
          .headers = {{"Cache-Control", "no-store"}}};
}

WebAnswer WebRoutes::Answer(const WebRequest& request, WebAccess::Time now) {
  if (auto refused = Refuse(request, now)) return *std::move(refused);
  if (const PageFile* file = FindPageFile(request.path)) {
    return FileAnswer(*file, request.if_none_match);
  }
  if (request.path == "/metrics") {
    WebAnswer answer = JsonAnswer(source_.MetricsText());
    answer.type = kMetricsType;
    return answer;
  }
  return Api(request);
}

std::optional<WebAnswer> WebRoutes::Refuse(const WebRequest& request,
                                           WebAccess::Time now) {
  if (request.method != "GET" && request.method != "HEAD") {
    return WithHeader(ErrorAnswer(405, "this server only shows: GET or HEAD"),
                      "Allow", "GET, HEAD");
  }
  if (request.has_body) return ErrorAnswer(413, "no body, please");
  if (!guarded_ && request.host.has_value() &&
      !IsOwnHost(*request.host, own_)) {
    return ErrorAnswer(421, "not this server's name; ask for its address");
  }
  switch (access_.Check(request.authorization, request.client, now)) {
    case WebAccess::Answer::kGranted:
      return std::nullopt;
    case WebAccess::Answer::kAsk:
      return WithHeader(ErrorAnswer(401, "a password is needed"),
                        "WWW-Authenticate",
                        "Basic realm=\"gatemilter\", charset=\"UTF-8\"");
    case WebAccess::Answer::kTooManyWrong:
      return WithHeader(
          ErrorAnswer(429, "too many wrong passwords; try again later"),
          "Retry-After",
          absl::StrCat(access_.Wait(request.client, now).count()));
  }
  return ErrorAnswer(500, "");
}

WebAnswer WebRoutes::Api(const WebRequest& request) {
  if (!request.path.starts_with("/api/")) {
    return ErrorAnswer(404, "there is no such page");
  }
  // Another site's page cannot read the answer; it shall not cost work either.
  if (!request.fetch_site.empty() && request.fetch_site != "same-origin" &&
      request.fetch_site != "none") {
    return ErrorAnswer(403, "not for the pages of other sites");
  }
  if (request.path == "/api/stats") return JsonAnswer(source_.StatsJson());
  if (request.path == "/api/decisions") {
    if (!request.after) return JsonAnswer(source_.DecisionsJson({}));
    uint64_t after = 0;
    if (!absl::SimpleAtoi(
            absl::string_view(request.after->data(), request.after->size()),
            &after)) {
      return ErrorAnswer(400, "`after` is no number");
    }
    return JsonAnswer(source_.DecisionsJson(after));
  }
  if (request.path == "/api/why") {
    if (request.query.empty() || request.query.size() > kMaxQueryBytes) {
      return ErrorAnswer(400, "`q`: a reference, queue id, address or network");
    }
    return {.search = std::string(request.query)};
  }
  return ErrorAnswer(404, "there is no such page");
}

}  // namespace gate::milter
