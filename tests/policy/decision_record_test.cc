// A decision that the engine made, written and read again.
#include "policy/decision_record.h"

#include <gmock/gmock.h>

#include <array>
#include <string>
#include <vector>

#include "policy/decision_writer.h"
#include "policy/memory_store.h"
#include "policy/policy_description.h"
#include "tests/allocations.h"
#include "tests/policy/engine_fixture.h"

namespace gate::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Keeps what is decided as records.
class RecordLog : public EventLog {
 public:
  void Decided(const Decision& decision) noexcept override {
    records.emplace_back(WriteDecision(decision, memory_));
  }
  void MacroMissing(const MissingMacro&) noexcept override {}

  std::vector<std::string> records;

 private:
  std::array<char, kMaxRecordBytes> memory_{};
};

class DecisionRecordTest : public ::testing::Test {
 protected:
  void Use(const std::string& text) {
    policy = PolicyOf(text, {});
    engine.Install(policy);
    mta.Open();
  }
  // The last decision.
  const DecisionRecord& Last() {
    EXPECT_FALSE(log.records.empty());
    EXPECT_TRUE(record.Parse(log.records.back()));
    return record;
  }
  std::string Label(std::optional<rules::RuleId> rule) const {
    return rule ? policy->rule(*rule).label : "";
  }

  std::shared_ptr<const rules::Policy> policy;
  ManualClock clock;
  Statistics statistics;
  RecordLog log;
  References references{/*node=*/0};
  Engine engine{clock, statistics, log, references};
  MemoryStore store;
  FakeMta mta{engine, store};
  DecisionRecord record;
};

TEST_F(DecisionRecordTest, TellsWhatWasDecided) {
  Use(R"(at rcpt {
    no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain == "b.example"
  })");
  mta.Connect();
  mta.Helo();
  mta.Mail();
  mta.Rcpt("<x@b.example>");
  const DecisionRecord& last = Last();
  EXPECT_EQ(last.wall_us, clock.Read().wall_us);
  EXPECT_EQ(PolicyHash(last.policy), policy->hash());
  EXPECT_EQ(last.stage, rules::Stage::kRcpt);
  EXPECT_EQ(last.action, rules::Action::kReject);
  EXPECT_EQ(Label(last.rule), "no_relay");
  EXPECT_EQ(last.code, 554);
  EXPECT_EQ(last.enhanced, "5.7.1");
  EXPECT_EQ(last.text, "Relaying denied");
  EXPECT_EQ(last.reference >> 4,
            static_cast<uint64_t>(last.wall_us / 1'000'000 *
                                  kReferenceTicksPerSecond) %
                (uint64_t{1} << 36));
  EXPECT_TRUE(last.given);
  EXPECT_FALSE(last.kept || last.repeat || last.cut || last.plain());
}

TEST_F(DecisionRecordTest, HasEveryFactOfTheSession) {
  Use(R"(at message {
    seen: reject 550 5.7.1 "no" when header["Subject"] == "two"
  })");
  mta.macros.values["{client_port}"] = "4711";
  mta.Connect("2001:db8::7");
  mta.Helo("h.example");
  mta.Mail("<a@example.net>", {"SIZE=1000", "SMTPUTF8"});
  mta.Rcpt("<b%c@example.org>");
  mta.Data();
  engine.AddHeader(mta.session, "Subject", "one");
  engine.AddHeader(mta.session, "Subject", "two");
  mta.Headers();
  mta.Message();
  const rules::FactSet& original = mta.session.facts();
  const DecisionRecord& last = Last();
  for (const rules::FactInfo& info : rules::AllFacts()) {
    switch (info.id) {
      case rules::FactId::kBody:
      case rules::FactId::kTimeHour:
      case rules::FactId::kTimeWeekday:
        continue;
      default:
        break;
    }
    ASSERT_EQ(last.facts.presence(info.id), original.presence(info.id))
        << info.name;
    std::string expected;
    std::string found;
    original.AppendValue(info.id, {}, expected);
    last.facts.AppendValue(info.id, {}, found);
    EXPECT_EQ(found, expected) << info.name;
  }
}

TEST_F(DecisionRecordTest, HasThePathAsItWasTypedWhereItSaysMore) {
  Use("at mail { all: reject 550 5.7.1 \"no\" }");
  mta.macros.values["{mail_addr}"] = "resolved@example.net";
  mta.Mail("<typed@example.net>");
  EXPECT_EQ(Last().facts.text(rules::FactId::kSenderRaw),
            "<typed@example.net>");
  EXPECT_EQ(record.facts.text(rules::FactId::kSender), "resolved@example.net");
}

TEST_F(DecisionRecordTest, TellsAnUnknownFactFromAnAbsentOne) {
  Use("at connect { all: reject 550 5.7.1 \"no\" when server.host == "
      "\"x.example\" "
      "or client.ip in { 203.0.113.0/24 } }");
  mta.macros.values.erase("{if_name}");
  mta.Connect();
  EXPECT_EQ(Last().facts.presence(rules::FactId::kServerHost),
            rules::Presence::kUnknown);
  EXPECT_EQ(record.facts.presence(rules::FactId::kHelo),
            rules::Presence::kAbsent);
}

TEST_F(DecisionRecordTest, HasTheNumbersOfTheLimitThatWasOver) {
  Use(R"(limit few 1/min per client.ip counting recipients
  at rcpt {
    slow: defer 451 4.7.1 "wait" when over few
  })");
  mta.Connect("192.0.2.7");
  mta.Mail();
  mta.Rcpt();
  EXPECT_THAT(log.records, IsEmpty());
  mta.Rcpt();
  const DecisionRecord& last = Last();
  ASSERT_THAT(last.answers, SizeIs(1));
  const RecordedAnswer& few = last.answers[0];
  ASSERT_TRUE(few.limit.has_value());
  EXPECT_EQ(policy->limits()[few.limit->value].name, "few");
  EXPECT_EQ(few.subject, "192.0.2.7");
  EXPECT_EQ(few.units, 1U);
  EXPECT_EQ(few.answer.state, AnswerState::kOver);
  EXPECT_EQ(few.answer.used, 1U);
  EXPECT_EQ(few.answer.allowed, 1U);
  EXPECT_EQ(few.answer.retry_after_us, 60'000'000);
}

TEST_F(DecisionRecordTest, HasTheNumbersThatAnEarlierEventLearned) {
  Use(R"(limit few 1/min per client.ip counting messages
  at data {
    slow: defer 451 4.7.1 "wait" when over few
  })");
  mta.Connect();
  mta.Mail();
  mta.Data();
  EXPECT_THAT(log.records, IsEmpty());
  mta.Mail();
  mta.Data();
  ASSERT_THAT(Last().answers, SizeIs(1));
  EXPECT_EQ(record.answers[0].answer.state, AnswerState::kOver);
  EXPECT_EQ(record.answers[0].answer.allowed, 1U);
}

TEST_F(DecisionRecordTest, HasBans) {
  Use(R"(at mail {
    is_banned: reject 554 5.7.1 "go" when banned(client.ip)
    do_ban: ban client.ip for 1h
  })");
  mta.Connect("192.0.2.7");
  mta.Mail();
  EXPECT_EQ(Last().answers.size(), 1U);
  EXPECT_EQ(record.answers[0].answer.state, AnswerState::kFits);
  EXPECT_THAT(record.notes, SizeIs(1)) << "the ban";
  EXPECT_TRUE(record.plain());
  mta.Mail();
  EXPECT_EQ(Last().answers[0].answer.state, AnswerState::kOver);
  EXPECT_FALSE(record.answers[0].limit.has_value());
  EXPECT_EQ(Label(record.rule), "is_banned");
}

TEST_F(DecisionRecordTest, HasWhatHeldWithoutDeciding) {
  Use(R"(at mail {
    shadow would: reject 550 5.7.1 "not you, {sender}"
    say:   log "{sender} comes"
    tag:   add header "X-Tag" "yes"
    stop:  reject 550 5.7.1 "stop"
  })");
  mta.Mail("<a@example.net>");
  const DecisionRecord& last = Last();
  std::vector<std::string> notes;
  for (const RecordedNote& note : last.notes) {
    notes.push_back(Label(note.rule) + ": " + std::string(note.text));
  }
  EXPECT_THAT(notes, ElementsAre("would: not you, a@example.net",
                                 "say: a@example.net comes", "tag: "));
  EXPECT_EQ(Label(last.rule), "stop");
}

TEST_F(DecisionRecordTest, TellsKeptVerdictsFromTheirRepeats) {
  Use("at helo { no: reject 550 5.7.1 \"no\" }");
  mta.Connect();
  mta.Helo();
  EXPECT_TRUE(Last().kept);
  EXPECT_FALSE(record.repeat);
  mta.Mail();
  EXPECT_FALSE(Last().kept);
  EXPECT_TRUE(record.repeat);
  EXPECT_EQ(record.stage, rules::Stage::kMail);
}

TEST_F(DecisionRecordTest, CutsWhatIsTooLongAndSaysSo) {
  Use(R"(at message {
    all: reject 550 5.7.1 "no" when header["Subject"] and header["To"]
  })");
  mta.Mail();
  mta.Rcpt();
  mta.Data();
  // Of two bytes a character: the cut must not halve one.
  std::string subject = "x";
  for (int i = 0; i < 2000; ++i) subject += "\xc3\xa4";
  engine.AddHeader(mta.session, "Subject", subject);
  for (int i = 0; i < 100; ++i) {
    engine.AddHeader(mta.session, "To", std::string(600, 't'));
  }
  mta.Headers();
  mta.Message();
  const DecisionRecord& last = Last();
  EXPECT_TRUE(last.cut);
  EXPECT_LE(log.records.back().size(), kMaxRecordBytes);
  const auto name = policy->FindHeader("Subject");
  EXPECT_EQ(last.facts.header(*name, 0), subject.substr(0, 511));
  EXPECT_EQ(last.code, 550);
}

// The engine replaces what is no UTF-8.
TEST_F(DecisionRecordTest, CutsWhatIsNoTextToo) {
  Use("at helo { all: reject 550 5.7.1 \"no\" when helo }");
  mta.Connect();
  for (const char byte : {'\x80', '\xff'}) {
    mta.Helo(std::string(2000, byte));
    EXPECT_TRUE(Last().cut);
    const std::string_view helo = record.facts.text(rules::FactId::kHelo);
    EXPECT_EQ(helo.size(), kMaxRecordedText - kMaxRecordedText % 3);
    EXPECT_TRUE(helo.ends_with("\xef\xbf\xbd"));
  }
}

TEST_F(DecisionRecordTest, RefusesWhatIsNoRecord) {
  Use("at mail { all: reject 550 5.7.1 \"no\" }");
  mta.Mail();
  const std::string bytes = log.records.back();
  EXPECT_FALSE(record.Parse(""));
  EXPECT_FALSE(record.Parse("\xff\xff\xff"));
  for (size_t size = 1; size < bytes.size(); ++size) {
    record.Parse(bytes.substr(0, size));  // whatever it says, it survives
  }
  EXPECT_TRUE(record.Parse(bytes));
}

TEST_F(DecisionRecordTest, IsWrittenWithoutAllocating) {
  Use(R"(limit few 1/min per client.ip counting recipients
  at rcpt {
    say:  log "{rcpt}"
    slow: defer 451 4.7.1 "wait" when over few
  })");
  std::array<char, kMaxRecordBytes> memory{};
  mta.Connect();
  mta.Mail();
  mta.Rcpt();
  const Verdict verdict = mta.Rcpt();
  const size_t before = ThreadAllocations();
  const std::string_view bytes =
      WriteDecision({.verdict = verdict, .session = mta.session}, memory);
  EXPECT_EQ(ThreadAllocations(), before);
  EXPECT_TRUE(record.Parse(bytes));
}

// Journals hold these numbers: a new fact comes last.
TEST(DecisionRecord, HasFactsByNumbersThatNeverChange) {
  constexpr std::string_view kNames[] = {"client.ip",       "client.network",
                                         "client.name",     "client.ptr",
                                         "client.port",     "client.resolve",
                                         "server.name",     "server.address",
                                         "server.port",     "server.host",
                                         "daemon",          "listener",
                                         "session.local",   "helo",
                                         "tls.version",     "tls.cipher",
                                         "tls.bits",        "tls.cert.subject",
                                         "tls.cert.issuer", "tls.cert.verified",
                                         "auth.method",     "auth.user",
                                         "auth.author",     "sender",
                                         "sender.local",    "sender.domain",
                                         "sender.raw",      "sender.size",
                                         "sender.body",     "sender.smtputf8",
                                         "sender.ret",      "sender.envid",
                                         "sender.auth",     "rcpt",
                                         "rcpt.local",      "rcpt.domain",
                                         "rcpt.raw",        "rcpt.routed",
                                         "rcpt.mailer",     "rcpt.count",
                                         "rcpt.rejected",   "rcpt.notify",
                                         "rcpt.orcpt",      "from",
                                         "from.domain",     "from.count",
                                         "header",          "header.count",
                                         "message.size",    "body",
                                         "queue.id",        "time.hour",
                                         "time.weekday"};
  ASSERT_GE(rules::kFactCount, std::size(kNames));
  for (size_t i = 0; i < std::size(kNames); ++i) {
    EXPECT_EQ(rules::Info(static_cast<rules::FactId>(i)).name, kNames[i]);
  }
}

TEST(PolicyDescription, ComesBackAsItWas) {
  const auto policy =
      PolicyOf(R"(limit few 1/min per client.ip counting recipients
  at rcpt {
    shadow slow: defer 451 4.7.2 "wait" when over few and not banned(client.ip)
    reject when rcpt.domain == "x.example"
  }
  at message { tag: add header "X" "y" when header["Subject"] })",
               {});
  const PolicyDescription described = Describe(*policy);
  const auto read = ParsePolicyDescription(Serialize(described));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(PolicyHash(read->number), policy->hash());
  ASSERT_THAT(read->rules, SizeIs(3));
  EXPECT_EQ(read->rules[0].label, "slow");
  EXPECT_TRUE(read->rules[0].shadow);
  EXPECT_EQ(read->rules[0].code, 451);
  EXPECT_EQ(read->rules[0].enhanced, "4.7.2");
  EXPECT_EQ(read->rules[1].label, "rcpt:4");
  EXPECT_EQ(read->rules[1].line, 4U);
  EXPECT_EQ(read->rules[2].stage, rules::Stage::kMessage);
  EXPECT_EQ(read->rules[2].action, rules::Action::kAddHeader);
  EXPECT_THAT(read->limits, ElementsAre("few"));
  EXPECT_THAT(read->ban_keys, ElementsAre("client.ip"));
  EXPECT_THAT(read->headers, ElementsAre("Subject"));
  EXPECT_FALSE(ParsePolicyDescription("\xff").has_value());
}

}  // namespace
}  // namespace gate::policy
