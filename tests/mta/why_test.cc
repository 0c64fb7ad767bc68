// What the client was told, and what the MTA's own log says, lead to the record
// of the decision: `gatemilter why`, and the journal.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/mta/gate_test.h"
#include "tests/mta/temp_dir.h"

namespace gate::mta {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr char kRules[] = R"(
set contact "postmaster@example.org"
list our_domains domains  { example.org }
list blocked     networks from "blocked.networks"
limit pieces 2/day per client.ip counting recipients
at mail {
  blocked:  reject 554 5.7.1 "Blocked" when client.ip in blocked
}
at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain not in our_domains
  too_fast: defer 452 4.7.1 "Limit {limit.name}" when over pieces
}
at message {
  casino:   reject 550 5.7.1 "No bets" when header["Subject"] ~ /casino/
  bank:     quarantine "bank" when header["Subject"] ~ /bank/
}
)";

std::string Message(const std::string& subject) {
  return "From: Alice <alice@sender.example>\nSubject: " + subject +
         "\n\nHello\n";
}

// Between the brackets of a reply.
std::string ReferenceIn(const std::string& reply) {
  const size_t begin = reply.find('[');
  return begin == std::string::npos ? "none" : reply.substr(begin + 1, 9);
}

class WhyTest : public BothMtasTest {
 protected:
  // The policy is `settings`, a journal and `rules`.
  void StartKeeping(const std::string& settings = "") {
    StartMta({.open = true});
    if (HasFatalFailure()) return;
    WriteFile(mta().dir() + "/blocked.networks",
              mta().Here("# spammers\n198.51.100.0/24\n203.0.113.66\n"));
    settings_ = "set journal \"" + mta().dir() +
                "/journal\" keep 1d max 64MiB\n" + settings;
    StartDaemon(mta().Here(settings_ + kRules));
  }
  // The place of the rule in the policy file, as `why` writes it.
  std::string PlaceOf(const std::string& label) {
    const std::string text = settings_ + kRules;
    const auto end = text.begin() + static_cast<ptrdiff_t>(text.find(label));
    return gate().policy_file() + ":" +
           std::to_string(1 + std::count(text.begin(), end, '\n'));
  }
  // As soon as the journal says something of it.
  std::string Story(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"why", "-c", gate().policy_file()});
    Outcome outcome;
    WaitUntil(
        [&] {
          outcome = Gatemilter(arguments);
          return outcome.status == 0;
        },
        std::chrono::seconds(10));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.out;
  }
  Reply Refused(const std::string& path) {
    SmtpClient client = Visit();
    EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
    return client.Rcpt(path);
  }

  std::string settings_;
};

using Why = WhyTest;
GATE_BOTH_MTAS(Why);

TEST_P(Why, NamesTheRuleItsLineAndTheEntryOfTheList) {
  ASSERT_NO_FATAL_FAILURE(StartKeeping());
  SmtpClient client = Visit({.address = "203.0.113.66"});
  const std::string reply = client.Mail("<a@spam.example>").text;
  ASSERT_THAT(reply,
              MatchesRegex("554 5.7.1 Blocked \\[....-....\\], questions "
                           "to postmaster@example.org"));
  EXPECT_THAT(
      Story({ReferenceIn(reply)}),
      AllOf(HasSubstr(ReferenceIn(reply) + "  "),
            HasSubstr(": reject at mail, 554 5.7.1 Blocked\n"),
            HasSubstr("by rule blocked (" + PlaceOf("blocked:") + ")"),
            HasSubstr("true    client.ip in blocked"),
            HasSubstr(mta().Here("[" + mta().dir() + "/blocked.networks:3]")),
            HasSubstr(mta().Here("client.ip = 203.0.113.66")),
            HasSubstr("sender = \"a@spam.example\"")));
}

TEST_P(Why, TellsTheNumbersOfTheLimit) {
  ASSERT_NO_FATAL_FAILURE(StartKeeping());
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@example.org>").code, 250);
  EXPECT_EQ(client.Rcpt("<c@example.org>").code, 250);
  const Reply reply = client.Rcpt("<d@example.org>");
  EXPECT_EQ(reply.code, 452);
  EXPECT_THAT(Story({ReferenceIn(reply.text)}),
              AllOf(HasSubstr("by rule too_fast (" + PlaceOf("too_fast:")),
                    HasSubstr("true    over pieces"),
                    HasSubstr(mta().Here("limit pieces of 203.0.113.9: 2 of 2 "
                                         "used: over, room again in ")),
                    HasSubstr("rcpt = \"d@example.org\""),
                    HasSubstr("tried before: no_relay\n")));
}

TEST_P(Why, FindsByAddressByNetworkAndTheLatest) {
  ASSERT_NO_FATAL_FAILURE(StartKeeping());
  const std::string first = ReferenceIn(Refused("<b@elsewhere.example>").text);
  SmtpClient other = Visit({.address = "203.0.113.66"});
  const std::string second = ReferenceIn(other.Mail("<a@spam.example>").text);
  Story({first});
  Story({second});
  const std::string by_address = Story({mta().Here("203.0.113.9")});
  EXPECT_THAT(by_address, AllOf(HasSubstr(first), Not(HasSubstr(second))));
  const std::string by_network = Story({mta().Here("203.0.113.0/24")});
  EXPECT_THAT(by_network, AllOf(HasSubstr(first), HasSubstr(second)));
  EXPECT_LT(by_network.find(second), by_network.find(first)) << "newest first";
  const std::string latest = Story({"--last"});
  EXPECT_THAT(latest, AllOf(HasSubstr(second), Not(HasSubstr(first))));
  EXPECT_THAT(Story({"--last", "2"}),
              AllOf(HasSubstr(first), HasSubstr(second)));
}

// The policy was edited since; it need not be in service.
TEST_P(Why, SaysWhatThePolicyFileSaysNow) {
  ASSERT_NO_FATAL_FAILURE(StartKeeping());
  const std::string reference =
      ReferenceIn(Refused("<b@elsewhere.example>").text);
  EXPECT_THAT(Story({reference, "--now"}),
              HasSubstr("now: reject 554 5.7.1: rule no_relay (" +
                        PlaceOf("no_relay:") + "), at rcpt\n"));
  std::string edited = mta().Here(settings_ + kRules);
  const std::string domains = "{ example.org }";
  edited.replace(edited.find(domains), domains.size(),
                 "{ example.org elsewhere.example }");
  WriteFile(gate().policy_file(), edited);
  const std::string now = Story({reference, "--now"});
  EXPECT_THAT(now, HasSubstr("by rule no_relay (")) << "what it was then";
  EXPECT_THAT(now, HasSubstr("now: defer if its limits or bans say so, which "
                             "were not asked then: rule too_fast ("));
}

// The queue id that the MTA tells the client and writes into its log.
TEST_P(Why, FindsByTheQueueId) {
  ASSERT_NO_FATAL_FAILURE(StartKeeping());
  SmtpClient client = Visit();
  const Reply reply =
      client.Deliver("<a@spam.example>", "<b@example.org>", Message("a bank"));
  ASSERT_EQ(reply.code, 250) << reply.text;
  // "... queued as 4XyZ1k2Zl3z9rQw", "2.0.0 5AP9 Message accepted ..."
  const std::string before =
      PostfixOrSendmail<std::string>("queued as ", "2.0.0 ");
  const size_t begin = reply.text.find(before) + before.size();
  const std::string id =
      reply.text.substr(begin, reply.text.find(' ', begin) - begin);
  EXPECT_THAT(mta().Log(), HasSubstr(id));
  EXPECT_THAT(Story({id}),
              AllOf(HasSubstr(": quarantine at message, bank\n"),
                    HasSubstr("by rule bank (" + PlaceOf("bank:") + ")"),
                    HasSubstr("queue.id = \"" + id + "\"")));
}

TEST_P(Why, FindsWhatTheClientWasNotToldOf) {
  ASSERT_NO_FATAL_FAILURE(StartKeeping("set reference off\n"));
  const std::string reply = Refused("<b@elsewhere.example>").text;
  EXPECT_EQ(reply,
            "554 5.7.1 Relaying denied, questions to postmaster@example.org");
  const std::string story = Story({"--last"});
  EXPECT_THAT(story, HasSubstr("by rule no_relay ("));
  // It has one all the same, for the log.
  const std::string reference = story.substr(0, 9);
  EXPECT_EQ(StopGate(), 0);
  EXPECT_THAT(gate().Log(), HasSubstr(" reference=" + reference + " "));
}

// Postfix writes a refusal into its log with the message's queue id, and with
// our text: both lead to the same record.
class PostfixLog : public WhyTest {};
INSTANTIATE_TEST_SUITE_P(Mta, PostfixLog, testing::Values(Mta::kPostfix),
                         [](const auto&) { return "Postfix"; });

TEST_P(PostfixLog, LeadsToTheSameRecordAsTheReply) {
  ASSERT_NO_FATAL_FAILURE(StartKeeping());
  SmtpClient client = Visit();
  const Reply reply = client.Deliver("<a@spam.example>", "<b@example.org>",
                                     Message("the casino"));
  EXPECT_EQ(reply.code, 550) << reply.text;
  const std::string reference = ReferenceIn(reply.text);
  std::string line;
  WaitUntil(
      [&] {
        const std::string log = mta().Log();
        const size_t at = log.find(": milter-reject: END-OF-MESSAGE ");
        if (at == std::string::npos) return false;
        const size_t begin = log.rfind('\n', at) + 1;
        line = log.substr(begin, log.find('\n', at) - begin);
        return true;
      },
      std::chrono::seconds(10));
  EXPECT_THAT(line, HasSubstr("[" + reference + "]"));
  const size_t end = line.find(": milter-reject");
  const size_t begin = line.rfind(' ', end - 1) + 1;
  const std::string id = line.substr(begin, end - begin);
  const std::string story = Story({id});
  EXPECT_EQ(story, Story({reference}));
  EXPECT_THAT(story, HasSubstr("by rule casino (" + PlaceOf("casino:") + ")"));
}

}  // namespace
}  // namespace gate::mta
