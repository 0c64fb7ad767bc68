// Limits in a real Redis, behind a real Postfix.

#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/mta/gate_test.h"
#include "tests/policy/redis_server.h"

namespace gate::mta {
namespace {

using ::testing::HasSubstr;

std::string StoreAt(const policy::RedisServer& redis) {
  return "set store redis \"unix:" + redis.socket() +
         "\"\n"
         // The tests' machine is shared; nothing here is about deadlines.
         "set redis-deadline 5s\n";
}

class Redis : public GateTest {
 protected:
  void SetUp() override { ASSERT_EQ(redis_.fault(), ""); }
  policy::RedisServer redis_;
};

TEST_F(Redis, EventWithThreeLimitsAndABanIsOneRoundTrip) {
  ASSERT_NO_FATAL_FAILURE(StartGate(StoreAt(redis_) + R"(
limit per_ip     100/day per client.ip     counting messages
limit per_sender 100/day per sender        counting messages
limit per_net    100/day per client.network counting messages
at mail {
  early:  reject 550 5.7.1 "Early" when sender.domain == "early.example"
  on_list: reject 554 5.7.1 "Banned" when banned(client.ip)
  full:   defer 451 4.7.1 "Full" when over per_ip or over per_sender or over per_net
  trap:   ban client.ip for 1h when sender.domain == "trap.example"
}
)"));
  const int64_t before = redis_.Calls("evalsha");
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@sender.example>").code, 250);
  EXPECT_EQ(redis_.Calls("evalsha"), before + 1);
  EXPECT_EQ(gate().Count("store_trips"), 1);

  // Decided before any rule that asks the store: no trip, and no charge.
  SmtpClient early = Visit();
  EXPECT_EQ(early.Mail("<a@early.example>").code, 550);
  EXPECT_EQ(redis_.Calls("evalsha"), before + 1);
  EXPECT_EQ(gate().Count("store_trips"), 1);
}

TEST_F(Redis, BansAreSharedAndHaveAnEnd) {
  ASSERT_NO_FATAL_FAILURE(StartGate(StoreAt(redis_) + R"(
at mail {
  on_list: reject 554 5.7.1 "Banned" when banned(client.ip)
  trap:   ban client.ip for 1h when sender.domain == "trap.example"
}
)"));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@trap.example>").code, 250);
  const std::string key = "gate:banned(client.ip):203.0.113.9";
  ASSERT_TRUE(WaitUntil(
      [&] {
        return redis_.Cli({"EXISTS", key}) == "1";
      },
      std::chrono::seconds(10)));
  const long left_ms = std::stol(redis_.Cli({"PTTL", key}));
  EXPECT_GT(left_ms, 3'000'000);
  EXPECT_LE(left_ms, 3'600'000);
  SmtpClient again = Visit();
  EXPECT_EQ(again.Mail("<a@sender.example>").text, "554 5.7.1 Banned");
  redis_.Cli({"DEL", key});
  SmtpClient forgiven = Visit();
  EXPECT_EQ(forgiven.Mail("<a@sender.example>").code, 250);
}

TEST_F(Redis, DaemonSaysWhichStoreItUses) {
  ASSERT_NO_FATAL_FAILURE(StartGate(StoreAt(redis_)));
  EXPECT_TRUE(gate().Shared());
  EXPECT_THAT(gate().Log(),
              HasSubstr("redis unix:" + redis_.socket() + ": limits are"));
}

TEST_F(Redis, SixtyFourConnectionsAtOnce) {
  ASSERT_NO_FATAL_FAILURE(
      StartGate(StoreAt(redis_) + R"(
limit many 1000/day per client.ip counting recipients
at rcpt { full: defer 451 4.7.1 "Full" when over many }
)",
                {.open = true, .settings = {"local_transport=discard:"}}));
  const Outcome load = mta::Run(postfix().Program(
      "smtp-source",
      {"-s", "64", "-m", "640", "-f", "a@sender.example", "-t",
       "user@example.org", "127.0.0.1:" + std::to_string(mta().port())}));
  EXPECT_EQ(load.status, 0) << load.err;
  EXPECT_THAT(redis_.Cli({"GET", "gate:many:127.0.0.1"}),
              testing::MatchesRegex("[0-9]+ 86400000000:6[0-9][0-9][0-9.]*"));
  EXPECT_EQ(gate().Count("outage_local"), 0);
  // A report of a sanitizer would make it not 0.
  EXPECT_EQ(StopGate(), 0);
}

// A second Postfix with a gatemilter of its own, as another machine of the
// site.
class TwoGates : public Redis {
 protected:
  static constexpr int kAllowed = 10;

  void SetUp() override {
    Redis::SetUp();
    ASSERT_NO_FATAL_FAILURE(StartGate(Policy()));
    other_postfix_ =
        std::make_unique<PrivatePostfix>(PrivatePostfix::Options{.open = true});
    ASSERT_EQ(other_postfix_->fault(), "");
    other_gate_ =
        std::make_unique<GatemilterProcess>(GatemilterProcess::Options{
            .dir = other_postfix_->dir(),
            .milter_socket = other_postfix_->milter_socket(),
            .group = PrivateMta::owner(),
            .policy = Policy()});
    ASSERT_EQ(other_gate_->fault(), "");
  }
  std::string Policy() const {
    return StoreAt(redis_) +
           "limit ten 10/day per client.ip counting messages\n"
           "at mail { full: defer 451 4.7.1 \"Full\" when over ten }\n";
  }
  // How many of `tries` messages are admitted.
  static void Send(const PrivateMta& mta, const std::string& address, int tries,
                   std::atomic<int>& admitted) {
    SmtpClient client = mta.Visit({.address = address}, Port::kSmtp);
    for (int i = 0; i < tries; ++i) {
      const Reply reply = client.Deliver("<a@sender.example>",
                                         "<bob@example.org>", kCleanMessage);
      if (reply.code == 250) {
        ++admitted;
      } else {
        EXPECT_EQ(reply.text, "451 4.7.1 Full");
      }
    }
  }

  std::unique_ptr<PrivateMta> other_postfix_;
  std::unique_ptr<GatemilterProcess> other_gate_;
};

TEST_F(TwoGates, AdmitExactlyTheAllowanceTogether) {
  int both = 0;
  for (int run = 0; run < 20; ++run) {
    const std::string address = "203.0.113." + std::to_string(run + 1);
    std::atomic<int> here = 0;
    std::atomic<int> there = 0;
    {
      const std::jthread one(Send, std::cref(mta()), address, kAllowed,
                             std::ref(here));
      const std::jthread two(Send, std::cref(*other_postfix_), address,
                             kAllowed, std::ref(there));
    }
    EXPECT_EQ(here + there, kAllowed) << "run " << run;
    both += here > 0 && there > 0 ? 1 : 0;
  }
  EXPECT_GT(both, 0) << "they never ran at the same time";
}

}  // namespace
}  // namespace gate::mta
