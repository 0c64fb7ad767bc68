#include "milter/web.h"

#include <sys/resource.h>

#include <atomic>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/milter/http_client.h"

namespace gate::milter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

// Its searches wait until the test lets them go on, or they are stopped.
class FakeSource : public WebSource {
 public:
  std::string StatsJson() override {
    if (full) throw std::bad_alloc();
    return R"({"rules":[]})";
  }
  std::string MetricsText() override { return "gatemilter_up 1\n"; }
  std::string DecisionsJson(std::optional<uint64_t> after) override {
    if (!after) return R"({"newest":1})";
    return absl::StrCat(R"({"next":)", *after, "}");
  }
  std::string WhyJson(const std::string& query,
                      const std::atomic<bool>& stop) override {
    if (full) throw std::bad_alloc();
    const absl::MutexLock lock(&mutex_);
    if (!open_ && !begun_.HasBeenNotified()) begun_.Notify();
    while (!stop && !mutex_.AwaitWithTimeout(absl::Condition(&open_),
                                             absl::Milliseconds(10))) {
    }
    return query + std::string(padding, ' ');
  }

  void LetGo() {
    const absl::MutexLock lock(&mutex_);
    open_ = true;
  }
  void AwaitSearch() { begun_.WaitForNotification(); }

  std::atomic<bool> full = false;   // no memory
  std::atomic<size_t> padding = 0;  // behind the answer to a search

 private:
  absl::Mutex mutex_;
  bool open_ = false;
  absl::Notification begun_;
};

class WebTest : public testing::Test {
 protected:
  ~WebTest() override { source_.LetGo(); }

  void Start(const WebOptions& options = {}) {
    auto listener = Listener::Bind(
        {.address = "inet:0@127.0.0.1", .mode = {}, .group = {}});
    ASSERT_TRUE(listener.ok()) << listener.status();
    port_ = PortOf(listener->fd());
    server_ =
        std::make_unique<WebServer>(*std::move(listener), source_, options);
    const absl::Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  HttpAnswer Ask(std::string_view target, std::string_view headers = {},
                 std::string_view method = "GET") {
    return HttpClient(port_).Ask(target, headers, method);
  }
  HttpAnswer AskHost(const std::string& host) {
    HttpClient client(port_);
    client.Send("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return client.Read();
  }

  FakeSource source_;
  uint16_t port_ = 0;
  std::unique_ptr<WebServer> server_;
};

TEST_F(WebTest, ServesThePageAndWhatItAsksFor) {
  Start();
  const struct {
    const char* target;
    const char* type;
    const char* text;
  } kAll[] = {
      {"/", "text/html; charset=utf-8", "<!doctype html>"},
      {"/app.js", "text/javascript; charset=utf-8", "import {"},
      {"/app.css", "text/css; charset=utf-8", "{"},
      {"/chart.js", "text/javascript; charset=utf-8", "Chart.js v3"},
      {"/favicon.svg", "image/svg+xml", "<svg"},
      {"/metrics", "text/plain; version=0.0.4; charset=utf-8", "up 1"},
      {"/api/stats", "application/json", "rules"},
      {"/api/decisions", "application/json", "{\"newest\":1}"},
      {"/api/decisions?after=18446744073709551615", "application/json",
       "18446744073709551615"},
  };
  HttpClient client(port_);  // one connection for all
  for (const auto& one : kAll) {
    HttpAnswer answer = client.Ask(one.target);
    EXPECT_EQ(answer.status, 200) << one.target;
    EXPECT_EQ(answer.headers["content-type"], one.type);
    EXPECT_THAT(answer.body, HasSubstr(one.text));
  }
}

TEST_F(WebTest, EveryAnswerHasTheHeadersThatKeepABrowserIn) {
  Start();
  for (const char* target : {"/", "/metrics", "/api/stats", "/nothing"}) {
    HttpAnswer answer = Ask(target);
    EXPECT_THAT(answer.headers["content-security-policy"],
                StartsWith("default-src 'none'; script-src 'self';"));
    EXPECT_EQ(answer.headers["x-content-type-options"], "nosniff");
    EXPECT_EQ(answer.headers["referrer-policy"], "no-referrer");
    EXPECT_THAT(answer.headers["cache-control"], StartsWith("no-")) << target;
    EXPECT_EQ(answer.headers.count("access-control-allow-origin"), 0u);
  }
}

TEST_F(WebTest, AFileThatTheBrowserHasIsNotSentAgain) {
  Start();
  HttpAnswer first = Ask("/app.css");
  const std::string etag = first.headers["etag"];
  ASSERT_FALSE(etag.empty());
  HttpAnswer again =
      Ask("/app.css", absl::StrCat("If-None-Match: ", etag, "\r\n"));
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(Ask("/app.css", "If-None-Match: \"old\"\r\n").body, first.body);
}

TEST_F(WebTest, HeadTellsTheLengthWithoutABody) {
  Start();
  HttpClient client(port_);
  HttpAnswer head = client.Ask("/api/stats", {}, "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers["content-length"], "12");
  // The next answer begins where a body would have been.
  EXPECT_EQ(client.Ask("/api/decisions").status, 200);
}

TEST_F(WebTest, OnlyReads) {
  Start();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    HttpAnswer answer = Ask("/api/stats", {}, method);
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(answer.headers["allow"], "GET, HEAD");
  }
  EXPECT_EQ(Ask("/", "Content-Length: 3\r\n").status, 413);
  EXPECT_EQ(Ask("/", "Transfer-Encoding: chunked\r\n").status, 413);
}

TEST_F(WebTest, HostilePathsLeadNowhere) {
  Start();
  for (const char* target :
       {"/index.html", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//",
        "/app.js/", "/APP.JS", "/api/", "/api/statsx", "/api//stats",
        "/\xff\xfe", "/<script>", "*", "http://evil.example/nothing"}) {
    EXPECT_GE(Ask(target).status, 400) << target;
  }
  EXPECT_EQ(Ask("/").status, 200);
}

TEST_F(WebTest, ArgumentsAreChecked) {
  Start();
  for (const char* target : {"/api/decisions?after=x",
                             "/api/decisions?after=", "/api/decisions?after=-1",
                             "/api/decisions?after=18446744073709551616",
                             "/api/why", "/api/why?q="}) {
    EXPECT_EQ(Ask(target).status, 400) << target;
  }
  EXPECT_EQ(Ask("/api/why?q=" + std::string(321, 'a')).status, 400);
}

TEST_F(WebTest, TooLongARequestIsRefused) {
  Start();
  EXPECT_GE(Ask("/" + std::string(100'000, 'a')).status, 400);
  std::string headers;
  for (int i = 0; i < 2000; ++i) absl::StrAppend(&headers, "X-", i, ": y\r\n");
  EXPECT_GE(Ask("/", headers).status, 400);
  HttpClient endless(port_);
  while (endless.Send(std::string(1000, 'a'))) {
  }
  EXPECT_EQ(Ask("/").status, 200);
}

TEST_F(WebTest, NonsenseIsNoRequest) {
  Start();
  for (const char* bytes : {"\r\n\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02",
                            "GET / HTTP/9.9\r\n\r\n", "EHLO me\r\n\r\n"}) {
    HttpClient client(port_);
    client.Send(bytes);
  }
  EXPECT_EQ(Ask("/").status, 200);
}

TEST_F(WebTest, AnIdleConnectionIsClosed) {
  Start({.idle = seconds(1)});
  HttpClient client(port_);
  EXPECT_TRUE(client.Closes(seconds(20)));
}

TEST_F(WebTest, ARequestThatDripsIsCut) {
  Start({.idle = seconds(5), .request = seconds(1)});
  HttpClient client(port_);
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nX: "));
  const auto end = std::chrono::steady_clock::now() + seconds(20);
  bool closed = false;
  while (!closed && std::chrono::steady_clock::now() < end) {
    client.Send("y");
    closed = client.Closes(milliseconds(100));
  }
  EXPECT_TRUE(closed);
}

// The library's limit for idle ones is long here: to read a byte now and then
// would renew it.
TEST_F(WebTest, AnAnswerToASearchThatIsHardlyReadIsCut) {
  Start({.idle = seconds(100), .request = seconds(1)});
  source_.LetGo();
  source_.padding = size_t{32} << 20;  // more than the sockets hold
  HttpClient client(port_);
  ASSERT_TRUE(
      client.Send("GET /api/why?q=1 HTTP/1.1\r\n"
                  "Host: localhost\r\n\r\n"));
  ASSERT_EQ(client.Read(/*body=*/false).status, 200);
  // It came later, and so is cut no sooner.
  EXPECT_TRUE(HttpClient(port_).Closes(seconds(20)));
  EXPECT_LT(client.ReadToEnd(), source_.padding);
}

TEST_F(WebTest, WhereMemoryIsShortOneAnswerIsLost) {
  Start();
  source_.full = true;
  EXPECT_EQ(Ask("/api/stats").status, 0);
  EXPECT_THAT(Ask("/api/why?q=1").body, HasSubstr("out of memory"));
  source_.full = false;
  EXPECT_EQ(Ask("/api/stats").status, 200);
}

TEST_F(WebTest, AThousandIdleConnectionsHinderNobody) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  ASSERT_GT(limit.rlim_cur, 4 * 1010u);
  Start();
  std::vector<HttpClient> idle;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(idle.emplace_back(port_).connected());
  }
  EXPECT_EQ(idle.back().Ask("/api/stats").status, 200);
  EXPECT_EQ(idle.front().Ask("/").status, 200);
  EXPECT_EQ(Ask("/metrics").status, 200);
}

TEST_F(WebTest, OneAddressMayNotHoldThemAll) {
  Start({.max_per_loopback_address = 3});
  std::vector<HttpClient> held;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(held.emplace_back(port_).Ask("/").status, 200);
  }
  EXPECT_EQ(Ask("/").status, 0);
  EXPECT_EQ(HttpClient(port_, "127.0.0.2").Ask("/").status, 200);
  held.clear();
  const auto end = std::chrono::steady_clock::now() + seconds(20);
  while (Ask("/").status != 200) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
  }
}

TEST_F(WebTest, WithoutAPasswordAnotherNameIsRefused) {
  Start();
  EXPECT_EQ(AskHost("127.0.0.1:9554").status, 200);
  EXPECT_EQ(AskHost("evil.example").status, 421);
  EXPECT_EQ(AskHost("").status, 421);
  HttpClient client(port_);
  client.Send("GET /metrics HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.Read().status, 200);
}

TEST_F(WebTest, PagesOfOtherSitesCostNoWork) {
  Start();
  EXPECT_EQ(Ask("/api/why?q=1", "Sec-Fetch-Site: cross-site\r\n").status, 403);
  EXPECT_EQ(Ask("/api/stats", "Sec-Fetch-Site: same-origin\r\n").status, 200);
}

TEST_F(WebTest, AsksForThePasswordEverywhere) {
  Start({.password = "secret"});
  for (const char* target :
       {"/", "/app.js", "/metrics", "/api/stats", "/api/why?q=1", "/none"}) {
    HttpAnswer answer = Ask(target);
    EXPECT_EQ(answer.status, 401) << target;
    EXPECT_THAT(answer.headers["www-authenticate"],
                StartsWith("Basic realm=\"gatemilter\""));
  }
  const char* right = "Authorization: Basic YTpzZWNyZXQ=\r\n";
  EXPECT_EQ(Ask("/metrics", right).status, 200);
  HttpClient client(port_);  // by any name: a browser guards the password
  client.Send(
      absl::StrCat("GET / HTTP/1.1\r\nHost: gate.example\r\n", right, "\r\n"));
  EXPECT_EQ(client.Read().status, 200);
}

TEST_F(WebTest, AfterWrongPasswordsOnlyTheGuesserWaits) {
  Start({.password = "secret"});
  const char* wrong = "Authorization: Basic YTpndWVzcw==\r\n";
  const char* right = "Authorization: Basic YTpzZWNyZXQ=\r\n";
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Ask("/", wrong).status, 401);
  // Where this machine stalls for the second that he waits, the right password
  // is taken: then he guesses again, and waits twice as long.
  HttpAnswer answer = Ask("/", right);
  int most = 1;
  for (; answer.status == 200 && most < 32; most *= 2) {
    EXPECT_EQ(Ask("/", wrong).status, 401);
    answer = Ask("/", right);
  }
  EXPECT_EQ(answer.status, 429);
  EXPECT_THAT(answer.headers["retry-after"], MatchesRegex("[1-9][0-9]?"));
  EXPECT_LE(std::stoi(answer.headers["retry-after"]), most);
  EXPECT_EQ(HttpClient(port_, "127.0.0.2").Ask("/", right).status, 200);
}

TEST_F(WebTest, PageAndNumbersGoOnWhileASearchIsUnderWay) {
  Start({.max_searches = 2});
  std::vector<HttpClient> searchers;
  for (const char* query : {"one", "two", "three"}) {
    HttpClient& client = searchers.emplace_back(port_);
    client.Send(absl::StrCat("GET /api/why?q=", query,
                             "%20%26 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    // The first is under way before the others come to wait.
    if (searchers.size() == 1) source_.AwaitSearch();
    EXPECT_EQ(Ask("/api/stats").status, 200);
  }
  HttpAnswer busy = Ask("/api/why?q=four");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.headers["retry-after"], "2");
  source_.LetGo();
  std::vector<std::string> found;
  for (HttpClient& client : searchers) {
    found.push_back(client.Read().body);
    EXPECT_EQ(client.Ask("/").status, 200);
  }
  EXPECT_THAT(found, ElementsAre("one &", "two &", "three &"));
}

TEST_F(WebTest, ASearcherWhoLeavesIsForgotten) {
  Start();
  {
    HttpClient client(port_);
    client.Send("GET /api/why?q=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    source_.AwaitSearch();
  }
  source_.LetGo();
  EXPECT_EQ(Ask("/api/why?q=2").body, "2");
}

TEST_F(WebTest, StopsWhileSearchesWait) {
  Start();
  HttpClient under_way(port_);
  under_way.Send("GET /api/why?q=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  source_.AwaitSearch();
  HttpClient waits(port_);
  waits.Send("GET /api/why?q=2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  HttpClient idle(port_);
  EXPECT_EQ(idle.Ask("/").status, 200);
  std::thread stops([this] { server_.reset(); });
  EXPECT_TRUE(idle.Closes(seconds(20)));
  EXPECT_TRUE(waits.Closes(seconds(20)));
  stops.join();  // nobody lets the search go on
  EXPECT_FALSE(HttpClient(port_).connected());
}

// The second request of the connection is read when the first, at the stop,
// is answered.
TEST_F(WebTest, BeginsNoSearchAtTheStop) {
  Start();
  HttpClient client(port_);
  const std::string ask =
      "GET /api/why?q=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  ASSERT_TRUE(client.Send(ask + ask));
  source_.AwaitSearch();
  server_.reset();
  EXPECT_TRUE(client.Closes(seconds(20)));
}

}  // namespace
}  // namespace gate::milter
