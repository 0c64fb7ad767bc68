// What the log says of decisions, made by an engine and recorded.
#include "milter/decision_lines.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

#include "policy/memory_store.h"
#include "tests/policy/engine_fixture.h"

namespace gate::milter {
namespace {

using policy::Counter;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class DecisionLinesTest : public ::testing::Test {
 protected:
  // What is logged while `visit` plays sessions under the policy.
  template <class Visit>
  std::string Lines(const std::string& text, Visit visit) {
    ::testing::internal::CaptureStderr();
    {
      Log log("info", statistics_, format_);
      DecisionLines lines(log, statistics_);
      policy::Recorder recorder(statistics_, {}, {&lines});
      policy::References references(/*node=*/0);
      policy::Engine engine(clock_, statistics_, recorder, references);
      engine.Install(policy::PolicyOf(text, {}));
      policy::MemoryStore store;
      policy::FakeMta mta(engine, store);
      mta.Open();
      visit(mta);
    }
    return ::testing::internal::GetCapturedStderr();
  }

  policy::SystemClock clock_;
  policy::Statistics statistics_;
  rules::LogFormat format_ = rules::LogFormat::kText;
};

TEST_F(DecisionLinesTest, AreOneADecisionWithWhoAndWhat) {
  const std::string lines =
      Lines(R"(at rcpt { no_relay: reject 554 5.7.1 "Relaying denied" })",
            [](policy::FakeMta& mta) {
              mta.Connect("192.0.2.7");
              mta.Helo("h.example");
              mta.Mail("<a@example.net>");
              mta.Rcpt("<b@example.org>");
            });
  EXPECT_THAT(lines, HasSubstr("info: stage=rcpt action=reject code=554 "
                               "enhanced=5.7.1 rule=no_relay "
                               "client=192.0.2.7 helo=h.example "
                               "sender=a@example.net rcpt=b@example.org "));
  EXPECT_THAT(lines, ContainsRegex(" reference=[0-9A-Z]{4}-[0-9A-Z]{4} text="));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1) << lines;
}

TEST_F(DecisionLinesTest, ShowWhatShadowsAndLogRulesSay) {
  const std::string lines =
      Lines(R"(at mail {
    shadow would: reject 550 5.7.1 "not you"
    say: log "{sender} comes"
    tag: add header "X-Tag" "yes"
  })",
            [](policy::FakeMta& mta) { mta.Mail("<a@example.net>"); });
  EXPECT_THAT(lines, HasSubstr("stage=mail action=reject code=550 "
                               "enhanced=5.7.1 rule=would shadow=yes "));
  EXPECT_THAT(lines, HasSubstr("text=\"not you\"\n"));
  EXPECT_THAT(lines, HasSubstr("stage=mail action=log rule=say "));
  EXPECT_THAT(lines, HasSubstr("text=\"a@example.net comes\"\n"));
  EXPECT_THAT(lines, Not(HasSubstr("rule=tag")));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2) << lines;
}

TEST_F(DecisionLinesTest, TellKeptVerdictsAndTheirRepeats) {
  const std::string lines = Lines("at helo { no: reject 550 5.7.1 \"no\" }",
                                  [](policy::FakeMta& mta) {
                                    mta.Connect();
                                    mta.Helo("h.example");
                                    mta.Mail();
                                  });
  EXPECT_THAT(lines, HasSubstr("stage=helo action=reject code=550 "
                               "enhanced=5.7.1 rule=no kept=yes "));
  EXPECT_THAT(lines, HasSubstr("rule=no repeat=yes "));
}

TEST_F(DecisionLinesTest, EscapeAndCutWhatStrangersSay) {
  const std::string lines = Lines("at helo { all: reject 550 5.7.1 \"no\" }",
                                  [](policy::FakeMta& mta) {
                                    mta.Helo("a\r\nrule=forged");
                                    mta.Helo(std::string(60'000, 'x'));
                                  });
  EXPECT_THAT(lines, HasSubstr("helo=\"a\\x0d\\x0arule=forged\""));
  EXPECT_THAT(lines, HasSubstr("xxx... "));
  EXPECT_LT(lines.size(), 1000U);
}

TEST_F(DecisionLinesTest, AreObjectsWhereJsonIsAskedFor) {
  format_ = rules::LogFormat::kJson;
  const std::string lines =
      Lines("at helo { all: reject 550 5.7.1 \"no \\\"you\\\"\" }",
            [](policy::FakeMta& mta) { mta.Helo("a\"b\x01"); });
  EXPECT_THAT(lines, HasSubstr(R"("level":"info","stage":"helo",)"
                               R"("action":"reject","code":550,)"
                               R"("enhanced":"5.7.1",)"
                               R"("rule":"all","kept":"yes",)"));
  EXPECT_THAT(lines, HasSubstr(R"("helo":"a\"b\u0001")"));
  EXPECT_THAT(lines, HasSubstr(R"("text":"no \"you\""})"));
}

TEST_F(DecisionLinesTest, CountWhatAFloodMayNotWrite) {
  constexpr size_t kDecisions = 5000;
  const std::string lines = Lines("at mail { all: reject 550 5.7.1 \"no\" }",
                                  [](policy::FakeMta& mta) {
                                    for (size_t i = 0; i < kDecisions; ++i) {
                                      mta.Mail();
                                    }
                                  });
  const auto written =
      static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
  EXPECT_GE(written, 1000U);
  EXPECT_LT(written, kDecisions) << "5,000 lines in more than four seconds?";
  const uint64_t left_out =
      statistics_.Snapshot()
          .counters[static_cast<size_t>(Counter::kLogDropped)];
  EXPECT_GE(written + left_out, kDecisions);
}

}  // namespace
}  // namespace gate::milter
