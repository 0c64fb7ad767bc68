// Decisions of the real binary as those see them who look on: `tail`, `stats`
// and the lines of the log.
#include <grp.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/milter/mta_client.h"
#include "tests/mta/gatemilter_process.h"
#include "tests/mta/temp_dir.h"

namespace gate::milter {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::ContainsRegex;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kRules[] = R"(
at connect {
  blocked:  reject 554 5.7.1 "Blocked" when client.ip == 192.0.2.66
}
at mail {
  shadow bare_helo: reject 550 5.5.2 "HELO needs a full host name" when helo !~ /[.]/
  spam:     reject 550 5.7.1 "No {sender}" when sender.domain == "spam.example"
}
at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain != "example.org"
}
)";

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

struct Guest {
  std::string address = "192.0.2.7";
  std::string helo = "mx.example";
  std::string sender = "<a@news.example>";
  std::string rcpt = "<b@elsewhere.example>";
  std::string user = {};
};

class WatchTest : public testing::Test {
 protected:
  void Start(const std::string& settings = "") {
    gate_.emplace(
        mta::GatemilterProcess::Options{.dir = folder_.path(),
                                        .milter_socket = Socket(),
                                        .group = getgrgid(getegid())->gr_name,
                                        .policy = settings + kRules});
    ASSERT_EQ(gate_->fault(), "");
  }
  std::string Socket() const { return folder_.path() + "/milter.sock"; }
  std::string Control() const {
    return "unix:" + folder_.path() + "/control.sock";
  }
  void Visit(const Guest& guest) const {
    MtaClient mta(Socket());
    ASSERT_TRUE(mta.Negotiate());
    mta.Connect("mx.example", guest.address, 4711);
    mta.Helo(guest.helo);
    MtaClient::Macros macros = {
        {"{mail_addr}", guest.sender.substr(1, guest.sender.size() - 2)}};
    if (!guest.user.empty()) macros.emplace_back("{auth_authen}", guest.user);
    mta.SendMacros('M', macros);
    if (mta.Mail(guest.sender).verdict == 'y') return;
    mta.Rcpt(guest.rcpt);
  }
  // What is printed as soon as it has so many lines.
  std::vector<std::string> Ask(std::vector<std::string> command, size_t lines) {
    command.insert(command.begin() + 1, {"--control", Control()});
    mta::Outcome outcome;
    mta::WaitUntil(
        [&] {
          outcome = mta::Gatemilter(command);
          return LinesOf(outcome.out).size() >= lines;
        },
        seconds(10));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return LinesOf(outcome.out);
  }
  // Blocked at connect and told at MAIL, spam, and two relay attempts, one of
  // them with a bare HELO.
  void VisitAll() const {
    Visit({.address = "192.0.2.66"});
    Visit({.address = "192.0.2.7", .sender = "<x@spam.example>"});
    Visit({.address = "198.51.100.8", .helo = "bare"});
    Visit({.address = "198.51.100.9", .user = "alice"});
  }

  mta::TempDir folder_;
  std::optional<mta::GatemilterProcess> gate_;
};

TEST_F(WatchTest, TailShowsTheDecisionsThatAreAskedFor) {
  ASSERT_NO_FATAL_FAILURE(Start());
  VisitAll();
  const auto all = Ask({"tail", "--once"}, 6);
  ASSERT_THAT(all, SizeIs(6)) << "two of the blocked one, a shadow's";
  // Those of one connection stay in order.
  EXPECT_THAT(
      absl::StrJoin(all, "\n"),
      AllOf(ContainsRegex("Z connect reject 554 5.7.1 rule=blocked "
                          "ref=[0-9A-Z]{4}-[0-9A-Z]{4} kept "
                          "client=192.0.2.66 [^\n]*\n"
                          "[^\n]*Z mail reject 554 5.7.1 rule=blocked "
                          "ref=[0-9A-Z]{4}-[0-9A-Z]{4} repeat "),
            HasSubstr(" mail accept shadow:bare_helo client="),
            ContainsRegex(" user=alice [^\n]* rcpt=b@elsewhere.example ")));

  EXPECT_THAT(Ask({"tail", "--once", "--rule", "no_relay"}, 2), SizeIs(2));
  EXPECT_THAT(Ask({"tail", "--once", "--rule", "bare_helo"}, 1), SizeIs(1));
  EXPECT_THAT(Ask({"tail", "--once", "--client", "198.51.100.0/24"}, 3),
              SizeIs(3));
  EXPECT_THAT(Ask({"tail", "--once", "--client", "192.0.2.7"}, 1), SizeIs(1));
  EXPECT_THAT(Ask({"tail", "--once", "--rejected"}, 4), SizeIs(4))
      << "neither the repeat nor the shadow";
  EXPECT_THAT(Ask({"tail", "--once", "-n", "2"}, 2), SizeIs(2));
  EXPECT_THAT(Ask({"tail", "--once", "-n", "0"}, 0), IsEmpty());
  EXPECT_THAT(mta::Gatemilter({"tail", "--once", "-n", "1001"}).err,
              HasSubstr("1001 not in range"));

  const auto json = Ask({"tail", "--once", "--json", "--rule", "spam"}, 1);
  ASSERT_THAT(json, SizeIs(1));
  const auto decision = nlohmann::json::parse(json[0]);
  EXPECT_EQ(decision["text"], "No x@spam.example");
  EXPECT_EQ(decision["facts"]["sender"], "x@spam.example");
  EXPECT_THAT(decision["place"], HasSubstr("policy.rules:"));
}

TEST_F(WatchTest, TailGoesOn) {
  ASSERT_NO_FATAL_FAILURE(Start());
  Visit({});
  const std::string out = folder_.path() + "/tail";
  const mta::ChildProcess tail(
      {.argv = {GATE_BINARY, "tail", "--control", Control()}, .out = out});
  const auto shows = [&out](size_t lines) {
    return mta::WaitUntil(
        [&] { return LinesOf(mta::ReadFile(out)).size() == lines; },
        seconds(10));
  };
  EXPECT_TRUE(shows(1));
  Visit({});
  EXPECT_TRUE(shows(2)) << mta::ReadFile(out);
}

TEST_F(WatchTest, TailWithoutLinesShowsWhatComesThen) {
  ASSERT_NO_FATAL_FAILURE(Start());
  Visit({});
  ASSERT_THAT(Ask({"tail", "--once"}, 1), SizeIs(1));
  const std::string out = folder_.path() + "/tail";
  const mta::ChildProcess tail(
      {.argv = {GATE_BINARY, "tail", "-n", "0", "--control", Control()},
       .out = out});
  // When it begins is not seen from here.
  EXPECT_TRUE(mta::WaitUntil(
      [&] {
        Visit({.address = "192.0.2.66"});
        return !mta::ReadFile(out).empty();
      },
      seconds(10)));
  EXPECT_THAT(LinesOf(mta::ReadFile(out)),
              Each(HasSubstr("client=192.0.2.66")));
}

TEST_F(WatchTest, StatsTellWhoIsRefusedMost) {
  ASSERT_NO_FATAL_FAILURE(Start());
  VisitAll();
  Ask({"tail", "--once"}, 6);
  const auto stats = [this](const std::string& key, const std::string& since) {
    const mta::Outcome outcome = mta::Gatemilter(
        {"stats", "--control", Control(), "--by", key, "--since", since});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.out;
  };
  // What a minute counted is known a second later.
  EXPECT_TRUE(mta::WaitUntil(
      [&] { return stats("rule", "1h").find("no_relay") != std::string::npos; },
      seconds(10)));
  for (const char* since : {"1h", "24h"}) {
    EXPECT_THAT(stats("rule", since),
                AllOf(ContainsRegex("rcpt +no_relay \\(reject\\) +2  50.0 %"),
                      ContainsRegex("blocked \\(reject\\) +1  25.0 %.*"
                                    "\\+1 repeated")));
    EXPECT_THAT(stats("client", since), ContainsRegex("198.51.100.9 +1 "));
    EXPECT_THAT(stats("sender", since), ContainsRegex("news.example +2 "));
    EXPECT_THAT(stats("rcpt", since), ContainsRegex("elsewhere.example +2 "));
    EXPECT_THAT(stats("user", since), ContainsRegex("alice +1 "));
    EXPECT_THAT(stats("stage", since), ContainsRegex("rcpt +2 "));
  }
}

// A HELO that would colour the terminal, end the line, or begin a member.
TEST_F(WatchTest, LinesOfTheLogAreEscaped) {
  const Guest hostile{.helo = "a\x1b[31m\" rule=x\nb"};
  for (const char* format : {"text", "json"}) {
    ASSERT_NO_FATAL_FAILURE(
        Start("set log-format " + std::string(format) +
              "\nlist unused domains { a.example }  # warned of\n"));
    Visit(hostile);
    EXPECT_EQ(gate_->Stop(), 0);
    const std::string log = gate_->Log();
    EXPECT_THAT(log, Not(HasSubstr("\x1b")));
    std::vector<std::string> lines = LinesOf(log);
    const bool json = std::string(format) == "json";
    for (const std::string& line : lines) {
      EXPECT_EQ(nlohmann::json::accept(line), json) << line;
    }
    EXPECT_THAT(log, HasSubstr("unused"));
    std::erase_if(lines, [](const std::string& line) {
      return line.find("554") == std::string::npos;
    });
    ASSERT_THAT(lines, SizeIs(1)) << log;
    if (!json) {
      EXPECT_THAT(lines[0], HasSubstr(" rule=no_relay client=192.0.2.7 "));
      EXPECT_THAT(lines[0],
                  HasSubstr(" helo=\"a\\x1b[31m\\\" rule=x\\x0ab\" sender="));
    } else {
      const auto line = nlohmann::json::parse(lines[0], nullptr, false);
      EXPECT_EQ(line["rule"], "no_relay") << lines[0];
      EXPECT_EQ(line["code"], 554);
      EXPECT_EQ(line["level"], "info");
      EXPECT_TRUE(line["time"].is_string());
    }
    mta::WriteFile(folder_.path() + "/gatemilter.log", "");
    std::filesystem::remove(folder_.path() + "/gatemilter.log");
  }
}

TEST_F(WatchTest, AFloodIsLeftOutOfTheLogAndCounted) {
  ASSERT_NO_FATAL_FAILURE(Start());
  constexpr int kRefusals = 5000;
  MtaClient mta(Socket());
  ASSERT_TRUE(mta.Negotiate());
  mta.Connect("mx.example", "192.0.2.7", 4711);
  mta.Helo("mx.example");
  mta.Mail("<a@news.example>");
  // A hundred are sent before their answers are read: then a busy machine
  // makes a flood, too.
  constexpr int kAtOnce = 100;
  for (int i = 0; i < kRefusals; i += kAtOnce) {
    for (int j = 0; j < kAtOnce; ++j) {
      mta.Send('R', std::string_view("<b@elsewhere.example>\0", 22));
    }
    for (int j = 0; j < kAtOnce; ++j) ASSERT_EQ(mta.Receive().command, 'y');
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  mta.Rcpt("<b@elsewhere.example>");  // says what was left out
  const int64_t left_out = gate_->Count("log_dropped");
  EXPECT_EQ(gate_->Stop(), 0);
  int64_t written = 0;
  int64_t told = 0;
  for (const std::string& line : LinesOf(gate_->Log())) {
    if (line.find(" rule=no_relay ") != std::string::npos) ++written;
    const size_t end = line.find(" decisions were not written: more than 1000");
    if (end == std::string::npos) continue;
    told += std::stoll(line.substr(line.rfind(' ', end - 1)));
  }
  EXPECT_EQ(written + told, kRefusals + 1);
  EXPECT_EQ(told, left_out);
  EXPECT_GT(told, 0) << "too slow to be a flood";
}

}  // namespace
}  // namespace gate::milter
