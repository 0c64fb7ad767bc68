#include "milter/stores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/occurrences.h"
#include "tests/policy/redis_server.h"
#include "tests/policy/run_until.h"

namespace gate::milter {
namespace {

using policy::RunUntil;
using ::testing::HasSubstr;

class Told : public policy::Waiter {
 public:
  void Done(policy::Batch&) noexcept override { ++times_; }
  int times() const { return times_; }

 private:
  int times_ = 0;
};

// Asks whether somebody is banned.
struct Question {
  Question() {
    policy::Lookup& lookup = batch.Append();
    lookup.kind = policy::Lookup::Kind::kBanned;
    lookup.name = "client.ip";
    lookup.subject = "192.0.2.1";
  }
  policy::Batch batch;
  Told told;
};

// Several loop stores with a Redis, on one loop; and the log.
class StoresTest : public ::testing::Test {
 protected:
  static constexpr size_t kLinks = 3;

  StoresTest() {
    EXPECT_EQ(redis_.fault(), "");
    ::testing::internal::CaptureStderr();
    log_.emplace("info", statistics_);
    stores_.emplace(redis_.client(), *log_);
    while (links_.size() < kLinks) links_.push_back(stores_->ForLoop(loop_));
  }
  ~StoresTest() override {
    if (log_) Log();
  }

  // All links are asked in one turn; false: not all were answered.
  bool AskAll() {
    std::vector<Question> questions(kLinks);
    size_t asked = 0;
    for (const auto& link : links_) {
      Question& question = questions[asked++];
      link->store().Submit(question.batch, question.told);
      link->EndTurn();
    }
    return RunUntil(loop_, [&questions] {
      return std::ranges::all_of(questions, [](const Question& question) {
        return question.told.times() == 1;
      });
    });
  }
  bool AwaitShared(bool shared) {
    return RunUntil(
        loop_, [this, shared] { return stores_->Report().shared == shared; });
  }
  // All of it; nothing is logged from now on.
  std::string Log() {
    links_.clear();
    stores_.reset();
    log_.reset();
    return ::testing::internal::GetCapturedStderr();
  }

  policy::RedisServer redis_;
  policy::Statistics statistics_;
  std::optional<milter::Log> log_;
  std::optional<Stores> stores_;
  policy::Loop loop_;
  std::vector<std::unique_ptr<LoopStore>> links_;
};

TEST_F(StoresTest, SettledOnceRedisWasHeardOf) {
  EXPECT_FALSE(links_.front()->settled());
  EXPECT_FALSE(stores_->Report().shared);
  EXPECT_TRUE(AwaitShared(true));
  for (const auto& link : links_) EXPECT_TRUE(link->settled());
}

TEST_F(StoresTest, AllLinksTogetherSayOnceThatRedisIsAwayAndBack) {
  ASSERT_TRUE(AwaitShared(true));
  redis_.Signal(SIGSTOP);
  EXPECT_TRUE(AskAll()) << "nobody waits for longer than the deadline";
  EXPECT_FALSE(stores_->Report().shared);
  EXPECT_THAT(stores_->Report().why, HasSubstr("no answer within 50 ms"));
  EXPECT_TRUE(AskAll()) << "now memory answers at once";
  redis_.Signal(SIGCONT);
  EXPECT_TRUE(AwaitShared(true));
  EXPECT_EQ(stores_->Report().why, "");
  const std::string log = Log();
  EXPECT_EQ(Occurrences(log, "limits are shared"), 2u) << log;
  EXPECT_EQ(Occurrences(log, "until it is back"), 1u) << log;
}

TEST_F(StoresTest, ShutTheyAnswerWhoWaits) {
  ASSERT_TRUE(AwaitShared(true));
  redis_.Signal(SIGSTOP);
  Question question;
  LoopStore& link = *links_.front();
  link.store().Submit(question.batch, question.told);
  link.EndTurn();
  EXPECT_EQ(question.told.times(), 0);
  link.Shut();
  EXPECT_EQ(question.told.times(), 1);
  redis_.Signal(SIGCONT);
}

TEST(StoresInMemory, AreSettledAndSharedWithNobody) {
  policy::Statistics statistics;
  Log log("error", statistics);
  Stores stores(std::nullopt, log);
  policy::Loop loop;
  const auto one = stores.ForLoop(loop);
  const auto other = stores.ForLoop(loop);
  EXPECT_TRUE(one->settled());
  EXPECT_EQ(&one->store(), &other->store()) << "one memory for all loops";
  EXPECT_EQ(stores.Report().name, "memory");
  EXPECT_FALSE(stores.Report().shared);
}

}  // namespace
}  // namespace gate::milter
