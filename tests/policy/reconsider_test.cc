// A decision of one policy, told to another.
#include "policy/reconsider.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "policy/decision_writer.h"
#include "policy/memory_store.h"
#include "tests/policy/engine_fixture.h"

namespace gate::policy {
namespace {

class LastRecord : public EventLog {
 public:
  void Decided(const Decision& decision) noexcept override {
    bytes = WriteDecision(decision, memory_);
  }
  void MacroMissing(const MissingMacro&) noexcept override {}
  std::string bytes;

 private:
  std::array<char, kMaxRecordBytes> memory_{};
};

class ReconsiderTest : public ::testing::Test {
 protected:
  // The policy that decides; a session follows.
  void Use(const std::string& text) {
    policy_ = PolicyOf(text, {});
    engine.Install(policy_);
    mta.Open();
    mta.Connect("192.0.2.7");
    mta.Helo("h.example");
  }
  // What `text` says to the last decision.
  Reconsidered Now(const std::string& text) {
    EXPECT_TRUE(record.Parse(log.bytes));
    now_ = PolicyOf(text, {});
    return Reconsider(record, Describe(*policy_), *now_);
  }
  static std::string LabelOf(const Reconsidered& now) {
    return now.rule == nullptr ? "" : now.rule->label;
  }

  std::shared_ptr<const rules::Policy> policy_;
  std::shared_ptr<const rules::Policy> now_;
  ManualClock clock;
  Statistics statistics;
  LastRecord log;
  References references{0};
  Engine engine{clock, statistics, log, references};
  MemoryStore store;
  FakeMta mta{engine, store};
  DecisionRecord record;
};

constexpr char kNoMail[] = "at mail { no: reject 550 5.7.1 \"no\" }";

TEST_F(ReconsiderTest, ComesToTheSameWithTheSamePolicy) {
  Use(kNoMail);
  mta.Mail();
  const Reconsidered now = Now(kNoMail);
  EXPECT_EQ(LabelOf(now), "no");
  EXPECT_FALSE(now.needs_store);
}

TEST_F(ReconsiderTest, FindsTheFirstRuleOfAnyStageUpToItsOwn) {
  Use(kNoMail);
  mta.Mail("<a@example.net>");
  EXPECT_EQ(LabelOf(Now(R"(
    at helo { early: reject 550 5.7.1 "no" when helo == "h.example" }
    at mail { late: reject 550 5.7.1 "no" }
  )")),
            "early");
  EXPECT_EQ(LabelOf(Now("at rcpt { later: reject 550 5.7.1 \"no\" }")), "");
  EXPECT_EQ(LabelOf(Now(R"(at mail {
    shadow only: reject 550 5.7.1 "no"
    other: reject 550 5.7.1 "no" when sender.domain == "example.org"
  })")),
            "");
}

TEST_F(ReconsiderTest, GoesOnAfterAnAcceptOfOneStageAlone) {
  Use(kNoMail);
  mta.Mail();
  EXPECT_EQ(LabelOf(Now(R"(
    at helo { fine: accept }
    at mail { no: reject 550 5.7.1 "no" }
  )")),
            "no");
  EXPECT_EQ(LabelOf(Now(R"(
    at helo { fine: accept connection when client.ip in { 192.0.2.0/24 } }
    at mail { no: reject 550 5.7.1 "no" }
  )")),
            "");
}

TEST_F(ReconsiderTest, KnowsLimitsAndHeadersByName) {
  Use(R"(
    limit other 100/min per client.ip counting messages
    limit few 1/min per client.ip counting messages
    at headers { all: reject 550 5.7.1 "no" when header["X-First"] or
                                       (header["Subject"] and over few) }
  )");
  mta.Mail();
  mta.Rcpt();
  mta.Abort();
  mta.Mail();
  mta.Rcpt();
  mta.Data();
  engine.AddHeader(mta.session, "Subject", "hello");
  mta.Headers();
  const char kNow[] = R"(
    limit few 5/min per client.ip counting messages
    at headers {
      both: reject 550 5.7.1 "no" when header["Subject"] == "hello" and over few
    })";
  EXPECT_EQ(LabelOf(Now(kNow)), "both");
  const Reconsidered unknown = Now(R"(
    limit new 5/min per client.ip counting messages
    at mail { new_limit: defer 451 4.7.1 "no" when over new })");
  EXPECT_EQ(LabelOf(unknown), "new_limit");
  EXPECT_TRUE(unknown.needs_store);
}

// Facts of the content are no header's: other numbers of headers leave them.
TEST_F(ReconsiderTest, KnowsWhatTheMessageWas) {
  const char kContent[] = R"(
    at message {
      all: reject 550 5.7.1 "no" when from.domain == "example.net" and
                                      from == "b@example.net" and
                                      from.count == 1 and message.size > 10 and
                                      header["Subject"] == "hello"
    })";
  Use(kContent);
  mta.Mail();
  mta.Rcpt();
  mta.Data();
  engine.AddHeader(mta.session, "From", " B <b@example.net>");
  engine.AddHeader(mta.session, "Subject", " hello");
  mta.Headers();
  engine.AddBody(mta.session, "A body of some words.");
  mta.Message();
  EXPECT_EQ(LabelOf(Now(kContent)), "all");
  EXPECT_EQ(LabelOf(Now("at message { other: reject 550 5.7.1 \"no\" when "
                        "header[\"X\"] or from.domain == \"example.net\" }")),
            "other");
  EXPECT_EQ(LabelOf(Now("at headers { big: reject 550 5.7.1 \"no\" when "
                        "header[\"X\"] or not from }")),
            "");
}

TEST_F(ReconsiderTest, KnowsWhenItWas) {
  Use(kNoMail);
  mta.Mail();
  EXPECT_EQ(LabelOf(Now("at mail { monday: reject 550 5.7.1 \"no\" "
                        "when time.weekday == \"Mon\" }")),
            "monday");
}

}  // namespace
}  // namespace gate::policy
