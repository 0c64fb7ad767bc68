// `why`: what people ask, found and told; decided by a real engine, kept by a
// real journal, without a daemon.
#include "milter/why.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "milter/decision_json.h"
#include "milter/now_says.h"
#include "milter/story.h"
#include "policy/journal_sink.h"
#include "policy/journal_writer.h"
#include "policy/memory_store.h"
#include "policy/recorder.h"
#include "policy/reference.h"
#include "tests/mta/temp_dir.h"
#include "tests/policy/engine_fixture.h"

namespace gate::milter {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

TEST(WhyQuery, IsWhatPeopleHave) {
  struct Case {
    const char* text;
    bool reference;
    const char* queue_id;
    const char* network;
  };
  constexpr Case kCases[] = {
      {"7K2F-9QXM", true, "", ""},
      {" [7k2f-9qxm]\r\n", true, "", ""},
      {"7K2F9QXM", true, "7K2F9QXM", ""},
      {"4bXyZ12345z", false, "4bXyZ12345z", ""},
      {"192.0.2.1", false, "", "192.0.2.1"},
      {"192.0.2.0/24", false, "", "192.0.2.0/24"},
      {"2001:db8::/32", false, "", "2001:db8::/32"},
  };
  for (const Case& c : kCases) {
    const auto query = ParseWhyQuery(c.text);
    ASSERT_TRUE(query.ok()) << c.text;
    EXPECT_EQ(query->reference != 0, c.reference) << c.text;
    EXPECT_EQ(query->queue_id, c.queue_id) << c.text;
    EXPECT_EQ(query->network, rules::IpPrefix::Parse(c.network)) << c.text;
  }
}

TEST(WhyQuery, SaysWhatFitsWhereNothingDoes) {
  for (const std::string text :
       {"", " ", "a b", "192.0.2.0/33", "../../etc/passwd", "<script>",
        "\x1b[2J", "0000-0000", "-", "a@b.example"}) {
    const auto query = ParseWhyQuery(text);
    ASSERT_FALSE(query.ok()) << text;
    const std::string message(query.status().message());
    EXPECT_THAT(message, HasSubstr("is no reference (7K2F-9QXM)"));
    EXPECT_THAT(message, Not(HasSubstr("\x1b")));
  }
  EXPECT_FALSE(ParseWhyQuery(std::string(300, 'A')).ok());
}

constexpr const char* kPolicy = R"(list blocked networks { 192.0.2.0/24 }
limit few 1/min per client.ip counting recipients
at rcpt {
  shadow would: reject 550 5.7.1 "not you"
  blocked: reject 554 5.7.1 "Blocked" when client.ip in blocked
  slow: defer 451 4.7.1 "Wait, {helo}" when over few and rcpt.domain == "b.example"
})";

class NoObserver : public policy::JournalObserver {
 public:
  void JournalFailed(const std::string& why) noexcept override {
    ADD_FAILURE() << why;
  }
  void JournalRecovered(uint64_t) noexcept override {}
  void JournalLeftOver(const std::string& why) noexcept override {
    ADD_FAILURE() << why;
  }
};

// Three sessions: a network that is blocked, twice one recipient too many.
class WhyTest : public testing::Test {
 protected:
  void Keep(const std::string& helo) {
    policy_ = policy::PolicyOf(kPolicy, {});
    auto opened = policy::JournalWriter::Open(
        {.bounds = {.folder = folder_.path()}}, files_, clock_, observer_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    policy::Statistics statistics;
    policy::JournalSink sink(**opened, statistics);
    policy::Recorder recorder(statistics, {}, {&sink, &latest_});
    policy::References references(/*node=*/0);
    policy::Engine engine(clock_, statistics, recorder, references);
    engine.Install(policy_);
    for (const char* client : {"192.0.2.77", "203.0.113.9", "203.0.113.9"}) {
      policy::FakeMta mta(engine, store_);
      mta.Open();
      mta.Connect(client);
      mta.Helo(helo);
      mta.Mail("<a@example.net>");
      mta.Rcpt("<x@b.example>");
      mta.Close();
      clock_.Advance(1'000'000);
    }
  }
  WhyFound Find(const WhyQuery& query) const {
    auto found = FindDecisions(query, policy::JournalReader(folder_.path()));
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? *std::move(found) : WhyFound();
  }
  static WhyQuery Asked(const std::string& text) {
    WhyQuery query;
    query.text = text;
    return query;
  }
  WhyFound All() const {
    WhyQuery query;
    query.latest = true;
    return Find(query);
  }
  WhyFound Last() const {
    WhyQuery query;
    query.latest = true;
    query.most = 1;
    return Find(query);
  }
  static std::string Tell(const policy::KeptDecision& kept,
                          const std::string& now = {}) {
    policy::DecisionRecord record;
    EXPECT_TRUE(record.Parse(kept.bytes));
    return TellStory(record, kept.policy.get(), now);
  }
  static uint64_t ReferenceOf(const policy::KeptDecision& kept) {
    policy::DecisionRecord record;
    EXPECT_TRUE(record.Parse(kept.bytes));
    return record.reference;
  }

  mta::TempDir folder_;
  policy::ManualClock clock_;
  policy::DiskJournalFiles files_;
  NoObserver observer_;
  policy::LatestDecisions latest_;
  policy::MemoryStore store_;
  std::shared_ptr<const rules::Policy> policy_;
};

TEST_F(WhyTest, TellsTheWholeStory) {
  Keep("h.example");
  const WhyFound found = Last();
  ASSERT_THAT(found.decisions, SizeIs(1));
  EXPECT_TRUE(found.more);
  const std::string reference =
      policy::FormatReference(ReferenceOf(found.decisions[0]));
  EXPECT_EQ(
      Tell(found.decisions[0], "accept"),
      reference +
          "  2024-01-01T12:00:02.000000Z: defer at rcpt, 451 4.7.1 \"Wait, "
          "h.example\"\n"
          "  by rule slow (policy.rules:6) of policy " +
          policy_->hash() +
          "\n"
          "  its condition:\n"
          "    true    over few\n"
          "    true    rcpt.domain == \"b.example\"  rcpt.domain = "
          "\"b.example\"\n"
          "  limit few of 203.0.113.9: 1 of 1 used: over, room again in 59s\n"
          "  shadow rule would: reject \"not you\"\n"
          "  tried before: would (held), blocked\n"
          "  the session:\n"
          "    client.ip = 203.0.113.9\n"
          "    client.port = 12345\n"
          "    client.resolve = \"FAIL\"\n"
          "    server.name = \"mx.example.test\"\n"
          "    server.address = 192.0.2.25\n"
          "    server.port = 25\n"
          "    daemon = \"smtpd\"\n"
          "    helo = \"h.example\"\n"
          "    sender = \"a@example.net\"\n"
          "    rcpt = \"x@b.example\"\n"
          "    rcpt.mailer = \"smtp\"\n"
          "    rcpt.count = 0\n"
          "    rcpt.rejected = 0\n"
          "  now: accept\n");
}

TEST_F(WhyTest, NamesTheListsEntry) {
  Keep("h.example");
  const WhyFound found = Find(*ParseWhyQuery("192.0.2.0/24"));
  ASSERT_THAT(found.decisions, SizeIs(1));
  EXPECT_THAT(Tell(found.decisions[0]),
              HasSubstr("true    client.ip in blocked  client.ip = 192.0.2.77 "
                        "[policy.rules:1]\n"));
}

TEST_F(WhyTest, FindsByReferenceAddressAndNetworkTheNewestFirst) {
  Keep("h.example");
  const WhyFound all = All();
  ASSERT_GE(all.decisions.size(), 2U);
  EXPECT_FALSE(all.more);
  for (const policy::KeptDecision& kept : all.decisions) {
    const uint64_t reference = ReferenceOf(kept);
    if (reference == 0) continue;  // only a shadow held
    const auto query = ParseWhyQuery(policy::FormatReference(reference));
    const WhyFound one = Find(*query);
    ASSERT_THAT(one.decisions, SizeIs(1));
    EXPECT_EQ(one.decisions[0].bytes, kept.bytes);
    // The same where no journal is kept.
    EXPECT_THAT(FindDecisions(*query, latest_).decisions, SizeIs(1));
  }
  EXPECT_THAT(Find(*ParseWhyQuery("203.0.113.9")).decisions,
              SizeIs(all.decisions.size() - 1));
  EXPECT_THAT(Find(*ParseWhyQuery("198.51.100.1")).decisions, SizeIs(0));
  WhyQuery late = *ParseWhyQuery("0.0.0.0/0");
  late.since_us = clock_.Read().wall_us - 1'500'000;
  EXPECT_THAT(Find(late).decisions, SizeIs(1));
}

TEST_F(WhyTest, TellsByNumbersWhenThePolicyIsNotKnown) {
  Keep("h.example");
  WhyFound found = Last();
  found.decisions[0].policy = nullptr;
  EXPECT_THAT(Tell(found.decisions[0]),
              testing::AllOf(HasSubstr("by rule rule 3 of policy"),
                             HasSubstr("limit 1 of 203.0.113.9: 1 of 1 used")));
}

TEST_F(WhyTest, SaysWhatThePolicyOfNowWouldSay) {
  Keep("h.example");
  const auto now = MakeNowSays(policy::PolicyOf(
      R"(at rcpt { never: reject 550 5.7.1 "no" when helo == "h.example" })",
      {}));
  const WhyFound found = Last();
  policy::DecisionRecord record;
  ASSERT_TRUE(record.Parse(found.decisions.at(0).bytes));
  EXPECT_EQ(now(record, found.decisions[0].policy.get()),
            "reject 550 5.7.1: rule never (policy.rules:1), at rcpt");
  EXPECT_EQ(now(record, nullptr), "the policy of then is not known any more");
  const auto nothing = MakeNowSays(policy::PolicyOf(
      R"(at rcpt { never: reject 550 5.7.1 "no" when helo == "x.example" })",
      {}));
  EXPECT_EQ(nothing(record, found.decisions[0].policy.get()),
            "accept: no rule of the policy holds");
}

// Nothing that a client says reaches a terminal or a program as it is.
TEST_F(WhyTest, EscapesWhatStrangersSay) {
  Keep("\x1b]0;owned\x07<script>\"\\\xe2\x80\xae\n  by rule none");
  const WhyFound found = Last();
  ASSERT_THAT(found.decisions, SizeIs(1));
  const std::string story = Tell(found.decisions[0]);
  for (const char c : story) {
    EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  }
  EXPECT_THAT(story, Not(HasSubstr("\xe2\x80\xae")));
  EXPECT_THAT(story, Not(HasSubstr("\n  by rule none")));
  EXPECT_THAT(story, HasSubstr("<script>"));
  const std::string text = WhyJson(Asked("\xff\"<"), found, {});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  const json parsed = json::parse(text);
  EXPECT_THAT(parsed.at("query").get<std::string>(), HasSubstr("\"<"));
  EXPECT_THAT(parsed.at("records").at(0).at("facts").at("helo").dump(),
              HasSubstr("<script>"));
}

TEST_F(WhyTest, GivesProgramsTheSameStory) {
  Keep("h.example");
  const WhyFound found = Last();
  const json answer =
      json::parse(WhyJson(Asked("--last"), found, MakeNowSays(policy_)));
  EXPECT_EQ(answer.at("query"), "--last");
  EXPECT_EQ(answer.at("more"), true);
  EXPECT_EQ(answer.at("damaged_blocks"), 0);
  const json& record = answer.at("records").at(0);
  EXPECT_EQ(record.at("rule"), "slow");
  EXPECT_EQ(record.at("place"), "policy.rules:6");
  EXPECT_EQ(record.at("code"), 451);
  EXPECT_EQ(record.at("conditions"), json::parse(R"([
    {"text": "over few", "held": true, "known": true, "value": "",
     "entry": ""},
    {"text": "rcpt.domain == \"b.example\"", "held": true, "known": true,
     "value": "rcpt.domain = \"b.example\"", "entry": ""}])"));
  EXPECT_EQ(record.at("limits").at(0).at("used"), 1);
  EXPECT_EQ(record.at("tried").at(0).at("held"), true);
  EXPECT_THAT(record.at("now").get<std::string>(), HasSubstr("defer"));
}

// An end is no "nothing was found".
TEST_F(WhyTest, SaysThatTheSearchWasEnded) {
  Keep("h.example");
  const std::atomic<bool> stop = true;
  WhyQuery query = *ParseWhyQuery("0.0.0.0/0");
  query.patience = std::chrono::seconds(20);
  EXPECT_FALSE(
      json::parse(WhyJson(query, Find(query), {})).contains("ended_after_s"));
  query.stop = &stop;
  for (const char* text : {"0.0.0.0/0", "7K2F9QXM", "4bXyZ12345z"}) {
    WhyQuery ended = *ParseWhyQuery(text);
    ended.patience = query.patience;
    ended.stop = &stop;
    const json answer = json::parse(WhyJson(ended, Find(ended), {}));
    EXPECT_EQ(answer.at("records"), json::array());
    EXPECT_EQ(answer.at("ended_after_s"), 20) << text;
  }
  query.stop = nullptr;
  query.patience = std::chrono::nanoseconds(1);
  EXPECT_TRUE(Find(query).ended);
}

TEST_F(WhyTest, TellsWhatTheStoreDidNotAnswer) {
  constexpr policy::Answer kAway = {.state = policy::AnswerState::kUnavailable};
  policy::ScriptedStore store;
  store.answers = {{"few", kAway}, {"client.ip", kAway}};
  policy::Statistics statistics;
  auto recorder = std::make_unique<policy::Recorder>(
      statistics, nullptr, std::vector<policy::DecisionSink*>{&latest_});
  policy::References references(/*node=*/0);
  policy::Engine engine(clock_, statistics, *recorder, references);
  engine.Install(policy::PolicyOf(R"(
limit few 1/min per client.ip counting connections outage accept
at connect {
  gone: reject 550 5.7.1 "x" when banned(client.ip) or over few
  here: reject 550 5.7.1 "y" when client.port == 12345
})",
                                  {}));
  policy::FakeMta mta(engine, store);
  mta.Open();
  mta.Connect();
  mta.Close();
  recorder.reset();  // hands over what it has
  WhyQuery query;
  query.latest = true;
  const json answer =
      json::parse(WhyJson(query, FindDecisions(query, latest_), {}));
  const json& record = answer.at("records").at(0);
  EXPECT_EQ(record.at("rule"), "here");
  EXPECT_EQ(record.at("limits").at(0).at("away"), true);
  EXPECT_EQ(record.at("bans").at(0).at("away"), true);
  EXPECT_EQ(record.at("bans").at(0).at("banned"), false);
}

}  // namespace
}  // namespace gate::milter
