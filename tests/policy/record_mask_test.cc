#include "policy/record_mask.h"

#include <gmock/gmock.h>

#include <array>
#include <string>

#include "policy/decision_record.h"
#include "policy/decision_writer.h"
#include "policy/memory_store.h"
#include "rules/ascii.h"
#include "tests/policy/engine_fixture.h"

namespace gate::policy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RecordMask, LeavesDomainsAndNothingBeforeThem) {
  struct Case {
    const char* name;
    std::string_view text;
    std::string_view masked;
  };
  constexpr Case kCases[] = {
      {.name = "plain", .text = "alice@b.example", .masked = "*@b.example"},
      {.name = "path", .text = "<alice@b.example>", .masked = "<*@b.example>"},
      {.name = "none", .text = "no address", .masked = "no address"},
      {.name = "in a text",
       .text = "no user alice@b.example here",
       .masked = "no user *@b.example here"},
      {.name = "several",
       .text = "a@b.example,c@d.example",
       .masked = "*@b.example,*@d.example"},
      {.name = "quoted", .text = "\"a b\"@c.example", .masked = "*@c.example"},
      {.name = "quoted quote",
       .text = R"("a\"b c"@c.example)",
       .masked = "*@c.example"},
      {.name = "quoted backslash",
       .text = R"("a\\"@c.example, "b\\"@d.example)",
       .masked = "*@c.example, *@d.example"},
      {.name = "quote that does not begin",
       .text = "a b\"@c.example",
       .masked = "a b*@c.example"},
      {.name = "two at", .text = "a@b@c.example", .masked = "*@c.example"},
      {.name = "route",
       .text = "@a.example:alice@b.example",
       .masked = "*@b.example"},
      {.name = "percent",
       .text = "alice%c.example@b.example",
       .masked = "*@b.example"},
      {.name = "at first", .text = "@b.example", .masked = "@b.example"},
      {.name = "at alone", .text = "@", .masked = "@"},
      {.name = "a quote alone", .text = "\"@b", .masked = "*@b"},
      {.name = "empty", .text = "", .masked = ""},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(MaskLocalParts(c.text), c.masked) << c.name;
  }
}

// Keeps the last record.
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

TEST(RecordMask, LeavesNoLocalPartInARecord) {
  ManualClock clock;
  Statistics statistics;
  LastRecord log;
  References references(0);
  Engine engine(clock, statistics, log, references);
  engine.Install(PolicyOf(R"(
  limit few 10/min per sender counting messages
  at mail { say: log "{sender} {sender.local}@there" }
  at message {
    all: reject 550 5.7.1 "not {rcpt}, {header[\"To\"]}" when header["To"]
  })",
                          {}));
  MemoryStore store;
  FakeMta mta(engine, store);
  mta.Open();
  mta.Connect();
  mta.Helo("h.example");
  mta.Mail("<secret@example.net>", {"AUTH=secret@example.net"});
  ASSERT_THAT(log.bytes, HasSubstr("secret"));
  EXPECT_THAT(*MaskRecord(log.bytes), Not(HasSubstr("secret")));
  mta.Rcpt("<secret@example.org>");
  mta.Rcpt("<secret>");
  mta.Data();
  engine.AddHeader(mta.session, "To",
                   "secret@example.org, \"a secret\"@x.example");
  mta.Headers();
  mta.Message();
  ASSERT_THAT(log.bytes, HasSubstr("secret"));
  const auto masked = MaskRecord(log.bytes);
  ASSERT_TRUE(masked.has_value());
  EXPECT_THAT(*masked, Not(HasSubstr("secret")));
  DecisionRecord record;
  ASSERT_TRUE(record.Parse(*masked));
  EXPECT_EQ(record.facts.text(rules::FactId::kSender), "*@example.net");
  EXPECT_EQ(record.facts.text(rules::FactId::kSenderDomain), "example.net");
  EXPECT_EQ(record.code, 550);
}

// Each place of a record that can give one away.
TEST(RecordMask, LeavesNoLocalPartInKeysPathsAndTextsEither) {
  ManualClock clock;
  Statistics statistics;
  LastRecord log;
  References references(0);
  Engine engine(clock, statistics, log, references);
  const auto policy = PolicyOf(R"(
  limit parts 1000/min per sender.local, client.ip counting recipients
  limit to 1000/min per rcpt.local counting recipients
  at rcpt {
    say: log "{sender.local} writes to <{rcpt.local}>, says {sender.raw}"
    all: reject 550 5.1.1 "no mailbox {rcpt.local} here"
         when not over parts and not over to
  })",
                               {});
  engine.Install(policy);
  MemoryStore store;
  FakeMta mta(engine, store);
  mta.macros.values["{auth_author}"] = "secretary";
  mta.macros.values["{mail_addr}"] = "SecretOne@example.net";
  mta.macros.values["{rcpt_addr}"] = "secret.two+10@example.org";
  mta.Open();
  mta.Connect("192.0.2.10");
  mta.Helo("h.example");
  mta.Mail("<secret one@example.net>", {"AUTH=secret+40x"});
  mta.Rcpt("<secret.two+10>");
  ASSERT_THAT(log.bytes, HasSubstr("no mailbox secret.two+10 here"));
  ASSERT_THAT(log.bytes, HasSubstr(std::string("\0"
                                               "192.0.2.10",
                                               11)));
  const auto masked = MaskRecord(log.bytes);
  ASSERT_TRUE(masked.has_value());
  std::string folded = *masked;
  rules::FoldAscii(folded);
  EXPECT_THAT(folded, Not(HasSubstr("secret")));
  DecisionRecord record;
  ASSERT_TRUE(record.Parse(*masked));
  EXPECT_EQ(record.text, "no mailbox * here");
  EXPECT_EQ(record.facts.text(rules::FactId::kSenderRaw), "<*@example.net>");
  ASSERT_EQ(record.answers.size(), 2U);
  EXPECT_EQ(record.answers[0].subject, std::string_view("*\0"
                                                        "192.0.2.10",
                                                        12));
  EXPECT_EQ(record.answers[1].subject, "*");
  EXPECT_EQ(record.notes[0].text, "* writes to <*>, says <*@example.net>");
}

TEST(RecordMask, LeavesTheNullSenderAsItIs) {
  ManualClock clock;
  Statistics statistics;
  LastRecord log;
  References references(0);
  Engine engine(clock, statistics, log, references);
  engine.Install(PolicyOf("at mail { all: reject 550 5.7.1 \"no\" }", {}));
  MemoryStore store;
  FakeMta mta(engine, store);
  mta.Open();
  mta.Connect();
  mta.Mail("<>");
  DecisionRecord record;
  ASSERT_TRUE(record.Parse(*MaskRecord(log.bytes)));
  EXPECT_EQ(record.facts.text(rules::FactId::kSender), "");
  EXPECT_EQ(record.facts.text(rules::FactId::kSenderRaw), "<>");
}

TEST(RecordMask, KeepsNothingOfWhatIsNoRecord) {
  EXPECT_FALSE(MaskRecord("\xff\xff").has_value());
}

}  // namespace
}  // namespace gate::policy
