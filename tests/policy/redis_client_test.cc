// Every reply that Redis may give to a charge has its right answer: the table
// of policy/README.md.

#include "policy/redis_client.h"

#include <netdb.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "policy/redis_script.h"
#include "policy/redis_store.h"
#include "tests/mta/child_process.h"
#include "tests/mta/temp_dir.h"
#include "tests/policy/redis_observer.h"
#include "tests/policy/redis_server.h"
#include "tests/policy/scripted_redis.h"
#include "tests/policy/store_conformance.h"

namespace gate::policy {
namespace {

using ::testing::HasSubstr;

constexpr char kEmpty[] = "*0\r\n";  // the probe's answer
constexpr char kFits[] = "*4\r\n:0\r\n:1\r\n:10\r\n:0\r\n";

class RedisClientTest : public testing::Test {
 protected:
  void Open(ScriptedRedis::Script script, RedisOptions options = {}) {
    options.address.unix_path = dir_.path() + "/redis.sock";
    redis_ = std::make_unique<ScriptedRedis>(options.address.unix_path,
                                             std::move(script));
    store_ = std::make_unique<RedisStore>(options, observer_);
    ASSERT_TRUE(store_->AwaitFirstOutcome(absl::Seconds(10)));
  }
  Answer Charge() {
    Batch batch;
    Lookup& lookup = batch.Append();
    lookup.limit = &limit_;
    lookup.name = limit_.name;
    lookup.subject = "a";
    DoneWaiter waiter;
    store_->Submit(batch, waiter);
    EXPECT_TRUE(waiter.Wait());
    return batch[0].answer;
  }

  const mta::TempDir dir_;
  const rules::Limit limit_ = MakeLimit("l", {{10, kMinute, 10}});
  std::unique_ptr<ScriptedRedis> redis_;
  RecordingObserver observer_;
  std::unique_ptr<RedisStore> store_;
};

struct ReplyCase {
  const char* name;
  std::string reply;
  std::string why;  // told to the observer
  bool new_connection = false;
};
void PrintTo(const ReplyCase& value, std::ostream* out) { *out << value.name; }

class RedisReplies : public RedisClientTest,
                     public testing::WithParamInterface<ReplyCase> {};

TEST_P(RedisReplies, AreUnavailableAndThenSharedAgain) {
  const ReplyCase& param = GetParam();
  std::atomic<bool> faulty = true;
  Open([&](const std::vector<std::string>& command) -> std::string {
    if (command[0] == "EVAL") return kEmpty;
    return faulty.exchange(false) ? param.reply : kFits;
  });
  ASSERT_EQ(observer_.last(), "shared");
  EXPECT_EQ(Charge().state, AnswerState::kUnavailable);
  ASSERT_TRUE(observer_.Await(3));
  EXPECT_THAT(observer_.told()[1], HasSubstr(param.why));
  EXPECT_EQ(observer_.told()[2], "shared");
  EXPECT_EQ(Charge().state, AnswerState::kFits);
  EXPECT_EQ(redis_->connections(), param.new_connection ? 2 : 1);
}

INSTANTIATE_TEST_SUITE_P(
    Table, RedisReplies,
    testing::Values(
        ReplyCase{"Loading", "-LOADING Redis is loading the dataset\r\n",
                  "LOADING"},
        ReplyCase{"Busy", "-BUSY Redis is busy running a script\r\n", "BUSY"},
        ReplyCase{"NoMemory", "-OOM command not allowed\r\n", "OOM"},
        ReplyCase{"NoDisk", "-MISCONF Redis is configured to\r\n", "MISCONF"},
        ReplyCase{"MasterDown", "-MASTERDOWN Link with MASTER is down\r\n",
                  "MASTERDOWN"},
        ReplyCase{"NoReplicas", "-NOREPLICAS Not enough good replicas\r\n",
                  "NOREPLICAS"},
        ReplyCase{"OtherError", "-ERR something else\r\n", "something else"},
        ReplyCase{"ControlBytes", "-ERR a\x1b[2Jb\xff\r\n", "ERR a?[2Jb?"},
        ReplyCase{"ReadOnly", "-READONLY You can't write\r\n",
                  "name the master", true},
        ReplyCase{"Moved", "-MOVED 3999 127.0.0.1:6381\r\n", "Cluster", true},
        ReplyCase{"NoPassword", "-NOAUTH Authentication required.\r\n",
                  "password-file", true},
        ReplyCase{"NoRight", "-NOPERM this user has no permissions\r\n",
                  "gate:*", true},
        ReplyCase{"Garbage", "HTTP/1.1 400 Bad Request\r\n\r\n", "protocol",
                  true},
        ReplyCase{"TooFew", "*2\r\n:0\r\n:1\r\n", "does not fit", true},
        ReplyCase{"TooMany", "*5\r\n:0\r\n:1\r\n:1\r\n:0\r\n:0\r\n",
                  "does not fit", true},
        ReplyCase{"UnknownState", "*4\r\n:9\r\n:1\r\n:1\r\n:0\r\n",
                  "does not fit", true},
        ReplyCase{"Negative", "*4\r\n:0\r\n:-1\r\n:1\r\n:0\r\n", "does not fit",
                  true},
        ReplyCase{"Text", "$5\r\nhello\r\n", "does not fit", true},
        ReplyCase{"Nested", "*1\r\n*1\r\n:1\r\n", "does not fit", true},
        ReplyCase{"Nil", "$-1\r\n", "does not fit", true},
        ReplyCase{"TwoAnswers", std::string(kEmpty) + kFits, "does not fit",
                  true},
        ReplyCase{"Closed", "", "closed the connection", true}),
    [](const auto& each) { return each.param.name; });

// In two pieces; the rest never comes.
TEST_F(RedisClientTest, CutAnswerIsNoAnswer) {
  std::atomic<bool> faulty = true;
  Open([&](const std::vector<std::string>& command) -> std::string {
    if (command[0] == "EVAL") return kEmpty;
    return faulty.exchange(false) ? "*4\r\n:0\r\n" : kFits;
  });
  EXPECT_EQ(Charge().state, AnswerState::kUnavailable);
  ASSERT_TRUE(observer_.Await(2));
  EXPECT_EQ(observer_.told()[1], "no answer within 50 ms");
  ASSERT_TRUE(observer_.Await(3));
  EXPECT_EQ(Charge().state, AnswerState::kFits);
}

TEST_F(RedisClientTest, ForgottenScriptIsSentWithItsTextOnce) {
  std::atomic<int> texts = 0;
  Open([&](const std::vector<std::string>& command) -> std::string {
    if (command[0] == "EVALSHA") return "-NOSCRIPT No matching script.\r\n";
    if (command[3] == kProbeKey) return kEmpty;
    ++texts;
    return kFits;
  });
  EXPECT_EQ(Charge().state, AnswerState::kFits);
  EXPECT_EQ(texts, 1);
}

TEST_F(RedisClientTest, LogsInAndSelectsBeforeItProbes) {
  std::vector<std::string> said;
  Open(
      [&](const std::vector<std::string>& command) -> std::string {
        said.push_back(command[0]);
        return command[0] == "EVAL" ? kEmpty : "+OK\r\n";
      },
      {.user = "gate", .password = "secret", .database = 7});
  EXPECT_EQ(observer_.last(), "shared");
  store_.reset();
  redis_.reset();
  EXPECT_THAT(said, testing::ElementsAre("AUTH", "SELECT", "EVAL"));
}

TEST_F(RedisClientTest, RefusedPasswordIsNotSaid) {
  Open(
      [&](const std::vector<std::string>& command) -> std::string {
        return "-ERR unknown command 'AUTH', args: '" + command[1] + "'\r\n";
      },
      {.password = "secret"});
  EXPECT_THAT(observer_.last(), HasSubstr("login refused"));
  EXPECT_THAT(observer_.last(), testing::Not(HasSubstr("secret")));
}

TEST_F(RedisClientTest, MissingServerIsSaid) {
  RedisOptions options;
  options.address.unix_path = dir_.path() + "/nobody.sock";
  const RedisStore store(options, observer_);
  ASSERT_TRUE(observer_.Await(1));
  EXPECT_EQ(observer_.last(), "no such file or directory");
}

// localhost may be ::1 as well, where nobody listens.
TEST_F(RedisClientTest, AllAddressesOfANameAreTried) {
  if (gethostbyname("localhost") == nullptr) {
    GTEST_SKIP() << "this machine has no /etc/hosts";
  }
  const RedisServer server({.tcp = true});
  ASSERT_EQ(server.fault(), "");
  RedisOptions options;
  options.address.host = "localhost";
  options.address.port = static_cast<uint16_t>(server.port());
  const RedisStore store(options, observer_);
  ASSERT_TRUE(observer_.Await(1));
  EXPECT_THAT(observer_.told(), testing::ElementsAre("shared"));
}

TEST_F(RedisClientTest, UnknownNameIsSaid) {
  RedisOptions options;
  options.address.host = "nobody.invalid";
  const RedisStore store(options, observer_);
  ASSERT_TRUE(observer_.Await(1));
  EXPECT_FALSE(store.shared());
}

}  // namespace
}  // namespace gate::policy
