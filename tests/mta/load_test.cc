// Everything at once, for a few seconds or for as long as GATE_LOAD_SECONDS
// says: clean mail in bulk, visitors of all kinds, an operator who reloads good
// and faulty policies and asks. At the end every answer was right, every
// message was counted, and memory has not grown.

#include <gmock/gmock.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/environment.h"
#include "tests/mta/gate_test.h"
#include "tests/mta/load_policy.h"
#include "tests/mta/load_visitor.h"

namespace gate::mta {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr size_t kVisitors = 8;
constexpr int kRound = 200;  // messages of one smtp-source

// In KiB. Sanitizers keep books of their own: in ten minutes 42 MB with
// AddressSanitizer (its leak check comes at the end) and 80 MB with
// ThreadSanitizer.
constexpr int64_t kMostGrowth =
    std::string_view(GATE_SANITIZER).empty() ? 8'192 : 262'144;

class Load : public GateTest {
 protected:
  void SetUp() override {
    // What AddressSanitizer keeps back after free is not growth.
    setenv("ASAN_OPTIONS", "quarantine_size_mb=4", /*overwrite=*/0);
    // What is kept is in relay.test; the rest of the mail does not fill disks.
    ASSERT_NO_FATAL_FAILURE(StartGate(
        LoadPolicy(0),
        {.open = true,
         .settings = {"local_transport=discard:", "default_transport=discard:",
                      "smtpd_client_connection_rate_limit=0"}}));
    const uint64_t seed =
        FromEnvironment("GATE_SEED", std::random_device()() & 0xffff'ff00);
    visitors_.reserve(kVisitors);
    for (uint64_t i = 0; i < kVisitors; ++i) {
      visitors_.push_back(
          std::make_unique<LoadVisitor>(postfix().port(), seed + i, editions_));
    }
    std::cout << "GATE_SEED=" << seed << '\n';
  }

  // Clean messages, many at once; it fails at any answer but 2xx.
  void SendRound() {
    const bool one_message_a_connection = rounds_++ % 2 == 0;
    Command source = postfix().Program(
        "smtp-source",
        {one_message_a_connection ? "-c" : "-d", "-s", "20", "-m",
         std::to_string(kRound), "-l", "2000", "-f", "a@sender.example", "-t",
         "bob@example.org", "127.0.0.1:" + std::to_string(postfix().port())});
    const Outcome outcome = mta::Run(std::move(source), seconds(300));
    ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  }

  // An edition after the other, and between them what must be refused.
  void OperateUntil(LoadVisitor::Time end) {
    while (std::chrono::steady_clock::now() < end && !HasFailure()) {
      const int edition = editions_.newest + 1;
      editions_.newest = edition;
      Install(LoadPolicy(edition));
      EXPECT_EQ(gate().Reload().status, 0);
      editions_.oldest = edition;
      ExpectRefused(BrokenPolicy(edition));
      ExpectRefused(PolicyWithFailingTest(edition));
      Install(LoadPolicy(edition));
      Ask(edition);
      EXPECT_EQ(gate().Count("failures"), 0);
    }
  }

  void Install(const std::string& policy) {
    ASSERT_TRUE(WriteFile(gate().policy_file(), policy));
  }
  void ExpectRefused(const FaultyPolicy& policy) {
    Install(policy.text);
    const Outcome reload = gate().Reload();
    EXPECT_EQ(reload.status, 1);
    EXPECT_THAT(reload.out + reload.err, HasSubstr(policy.complaint));
  }
  void Ask(int edition) {
    const std::string session = postfix().dir() + "/session";
    ASSERT_TRUE(WriteFile(session,
                          "client 203.0.113.9\nhelo \"mx.spam.example\"\n"
                          "mail <a@spam.example>\nrcpt <b@elsewhere.example>"));
    const Outcome ask =
        Gatemilter({"ask", "-c", gate().policy_file(), session});
    EXPECT_EQ(ask.status, 0) << ask.err;
    EXPECT_THAT(ask.out,
                HasSubstr("denied by edition " + std::to_string(edition)));
  }

  // All of it until `end`; memory is looked at after a tenth, and at the end.
  void RunUntil(LoadVisitor::Time end, LoadVisitor::Time tenth) {
    std::vector<std::thread> threads;
    threads.reserve(kVisitors + 1);
    for (const auto& visitor : visitors_) {
      threads.emplace_back([&] { visitor->PlayUntil(end); });
    }
    threads.emplace_back([&] { OperateUntil(end); });
    do {
      SendRound();
      if (early_memory_ < 0 && std::chrono::steady_clock::now() >= tenth) {
        early_memory_ = gate().Memory();
      }
    } while (std::chrono::steady_clock::now() < end && !HasFailure());
    late_memory_ = gate().Memory();
    for (std::thread& thread : threads) thread.join();
  }

  void ExpectAnswersRight() {
    int sessions = 0;
    for (const auto& visitor : visitors_) {
      EXPECT_EQ(visitor->fault(), "");
      sessions += visitor->sessions();
    }
    std::cout << sessions << " sessions of visitors, " << rounds_ * kRound
              << " messages of smtp-source, " << editions_.newest
              << " editions; memory after a tenth " << early_memory_
              << " KiB, at the end " << late_memory_ << " KiB\n";
  }

  void ExpectCountsRight() {
    std::map<std::pair<std::string, std::string>, int64_t> held = {
        {{"message", "seen"}, int64_t{rounds_} * kRound},
        {{"message", "subject"}, int64_t{rounds_} * kRound}};
    for (const auto& visitor : visitors_) {
      for (const auto& [rule, count] : visitor->held()) held[rule] += count;
    }
    for (const auto& [rule, count] : held) {
      EXPECT_EQ(gate().RuleCount(rule.first, rule.second), count)
          << rule.second;
    }
    for (const char* counter : {"failures", "outage_accept"}) {
      EXPECT_EQ(gate().Count(counter), 0) << counter;
    }
  }

  // None is lost, none comes twice, all are edited.
  void ExpectKeptMessagesDelivered() {
    std::map<std::string, std::pair<int, int>> awaited;
    for (const auto& visitor : visitors_) {
      awaited.insert(visitor->kept().begin(), visitor->kept().end());
    }
    for (const Delivery& delivery : postfix().AwaitDeliveries(awaited.size())) {
      const auto kept = awaited.find(delivery.recipient);
      ASSERT_NE(kept, awaited.end())
          << "unknown or twice: " << delivery.recipient;
      ExpectEdited(delivery.content, kept->second);
      awaited.erase(kept);
    }
    EXPECT_TRUE(awaited.empty()) << awaited.begin()->first << " is lost";
  }
  void ExpectEdited(const std::string& content, std::pair<int, int> editions) {
    constexpr std::string_view kSeen = "\nX-Seen: edition ";
    EXPECT_THAT(content, HasSubstr("\nSubject: [sender.example]\n"));
    EXPECT_THAT(content, Not(HasSubstr("forged")));
    const size_t seen = content.find(kSeen);
    ASSERT_NE(seen, std::string::npos) << content;
    const int edition = std::atoi(content.c_str() + seen + kSeen.size());
    EXPECT_GE(edition, editions.first);
    EXPECT_LE(edition, editions.second);
  }

  int64_t early_memory_ = -1;
  int64_t late_memory_ = -1;

 private:
  Editions editions_;
  std::vector<std::unique_ptr<LoadVisitor>> visitors_;
  int rounds_ = 0;
};

TEST_F(Load, EveryAnswerIsRightAndMemoryStays) {
  const seconds length(FromEnvironment("GATE_LOAD_SECONDS", 4));
  const auto begin = std::chrono::steady_clock::now();
  RunUntil(begin + length, begin + length / 10);
  ExpectAnswersRight();
  EXPECT_TRUE(postfix().Drain());
  ExpectCountsRight();
  ExpectKeptMessagesDelivered();
  ASSERT_GT(early_memory_, 0);
  EXPECT_LT(late_memory_, early_memory_ + kMostGrowth);
  EXPECT_TRUE(gate().Running());
  EXPECT_EQ(StopGate(), 0) << "a sanitizer's report, too, is not 0";
}

}  // namespace
}  // namespace gate::mta
