#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "rules/policy.h"
#include "tests/rules/policy_text.h"

namespace gate::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// "connect mail ..." of what is on.
std::string Switches(const Needs& needs) {
  struct Switch {
    bool on;
    const char* name;
  };
  const Switch switches[] = {
      {needs.connect, "connect"},
      {needs.helo, "helo"},
      {needs.mail, "mail"},
      {needs.rcpt, "rcpt"},
      {needs.data, "data"},
      {needs.rules_at_data, "rules-at-data"},
      {needs.headers, "headers"},
      {needs.end_of_headers, "end-of-headers"},
      {needs.body, "body"},
      {needs.body_start_only, "start"},
      {needs.rejected_recipients, "rejected"},
      {needs.add_headers, "add"},
      {needs.change_headers, "change"},
      {needs.quarantine, "quarantine"},
  };
  std::string text;
  for (const Switch& part : switches) {
    if (part.on)
      text += text.empty() ? part.name : std::string(" ") + part.name;
  }
  return text;
}

struct NeedsCase {
  const char* name;
  const char* policy;
  const char* switches;
};

class NeedsTest : public testing::TestWithParam<NeedsCase> {};

TEST_P(NeedsTest, AreThoseOfThePolicyAndNoMore) {
  EXPECT_EQ(Switches(CompileText(GetParam().policy)->needs()),
            GetParam().switches);
}

const NeedsCase kNeedsCases[] = {
    {"Empty", "", ""},
    {"UnusedLetsNeedNothing", "let a = helo == \"x\"", ""},
    {"RejectAtMessage", "at message { reject when message.size > 10M }",
     "mail headers body"},
    // Whether the session is local is known at connect.
    {"RejectAtRcpt", "at rcpt { reject when rcpt.routed }",
     "connect mail rcpt"},
    {"ShadowAtRcpt", "at rcpt { shadow reject when rcpt.routed }", "mail rcpt"},
    {"KeptAtConnect", "at connect { reject when client.ip in ::1 }",
     "connect mail"},
    {"FourTwoOneAtConnectIsGivenAtOnce",
     "at connect { defer 421 4.7.0 \"later\" when client.ip in ::1 }",
     "connect"},
    {"OutageDeferAtConnectIsKept",
     "limit a 5/min per client.ip counting connections outage defer\n"
     "at connect { defer 421 4.7.0 \"later\" when over a }",
     "connect mail"},
    {"ShadowIsNotKept", "at connect { shadow reject when client.ip in ::1 }",
     "connect"},
    {"KeptAtHelo", "at helo { defer 421 4.7.0 \"later\" when helo ~ /x/ }",
     "connect helo mail"},
    {"TlsIsKnownAtHelo", "at mail { log \"x\" when tls.version == \"TLSv1\" }",
     "helo mail"},
    // A sender without a domain has the MTA's own name, known at connect.
    {"SenderDomain", "at mail { log \"x\" when sender.domain ~ /x/ }",
     "connect mail"},
    {"FactInText", "at message { log \"{rcpt.raw}\" when time.hour < 6 }",
     "mail rcpt"},
    {"Time", "at mail { log \"x\" when time.hour < 6 }", "mail"},
    {"RuleAtData", "at data { log \"x\" when rcpt.count > 9 }",
     "mail rcpt data rules-at-data"},
    {"QueueId", "at message { log \"{queue.id}\" }", "mail data"},
    {"RejectedRecipients", "at rcpt { log \"x\" when rcpt.rejected > 5 }",
     "mail rcpt rejected"},
    {"HeaderFact", "at message { log \"x\" when header[\"A\"] }",
     "mail headers"},
    {"RuleAtHeaders", "at headers { log \"x\" when from.count > 1 }",
     "mail headers end-of-headers"},
    {"Body", "at message { log \"x\" when body ~ /x/ }", "mail body start"},
    {"BodyAndSize",
     "at message { log \"x\" when body ~ /x/ and "
     "message.size > 1 }",
     "mail headers body"},
    {"AddHeader", "at message { add header \"X\" \"y\" when time.hour < 6 }",
     "mail headers add change"},
    {"RemoveHeader", "at message { remove header \"X\" when time.hour < 6 }",
     "mail headers change"},
    {"ShadowAddHeader",
     "at message { shadow add header \"X\" \"y\" when time.hour < 6 }", "mail"},
    {"Quarantine", "at message { quarantine when time.hour < 6 }",
     "mail quarantine"},
    {"ConnectionLimit",
     "limit a 5/min counting connections\n"
     "at message { log \"x\" when over a }",
     "connect mail"},
    {"MessageLimitIsGivenBackWithoutRecipients",
     "limit a 5/min counting messages\n"
     "at message { log \"x\" when over a }",
     "mail rcpt"},
    {"ByteLimitIsSettledAtMessage",
     "limit a 5M/min counting bytes\n"
     "at message { log \"x\" when over a }",
     "mail rcpt headers body"},
    {"LimitKey",
     "limit a 5/min per auth.user counting recipients\n"
     "at message { log \"x\" when over a }",
     "mail rcpt"},
    {"Protect",
     "list ours networks { ::1 }\nset protect ours\n"
     "at mail { ban client.network for 1h when time.hour < 6 }",
     "connect mail"},
};

INSTANTIATE_TEST_SUITE_P(Needs, NeedsTest, testing::ValuesIn(kNeedsCases),
                         [](const auto& test) { return test.param.name; });

std::vector<std::string> Macros(const std::string& policy, Stage stage) {
  return CompileText(policy)->needs().macros[static_cast<size_t>(stage)];
}

TEST(Needs, AskForTheMacrosOfTheFacts) {
  const std::string policy =
      "at rcpt { reject \"You are {client.ptr}\" when rcpt.domain ~ /x/ and "
      "rcpt.mailer == \"local\" and not auth.user and not tls.cert.verified }";
  EXPECT_THAT(Macros(policy, Stage::kConnect),
              UnorderedElementsAre("{client_ptr}", "j", "v", "{client_port}"));
  EXPECT_THAT(Macros(policy, Stage::kHelo),
              UnorderedElementsAre("{verify}", "{cert_subject}", "v"));
  EXPECT_THAT(Macros(policy, Stage::kMail), ElementsAre("{auth_authen}"));
  EXPECT_THAT(Macros(policy, Stage::kRcpt),
              UnorderedElementsAre("{rcpt_addr}", "{rcpt_mailer}"));
  EXPECT_THAT(Macros(policy, Stage::kData), IsEmpty());
}

TEST(Needs, AskForAMacroOnce) {
  const std::string policy =
      "at connect { log \"x\" when client.name and client.resolve }";
  EXPECT_THAT(Macros(policy, Stage::kConnect),
              UnorderedElementsAre("{client_name}", "{client_resolve}", "v",
                                   "{client_port}"));
}

TEST(Needs, TellTheMtasRejectedRecipientsByTheirMailer) {
  EXPECT_THAT(
      Macros("at rcpt { log \"x\" when rcpt.rejected > 5 }", Stage::kRcpt),
      UnorderedElementsAre("{rcpt_mailer}", "v"));
}

TEST(Needs, AskWhoTheMtaIsOnceAndOnlyWhereAMacroMayBeMissing) {
  EXPECT_THAT(Macros("at mail { log \"x\" when auth.user }", Stage::kMail),
              ElementsAre("{auth_authen}"));
  const std::string two =
      "at rcpt { log \"x\" when daemon and rcpt.mailer == \"error\" }";
  EXPECT_THAT(Macros(two, Stage::kConnect),
              UnorderedElementsAre("{daemon_name}", "v", "{client_port}"));
  EXPECT_THAT(Macros(two, Stage::kRcpt), ElementsAre("{rcpt_mailer}"));
}

std::vector<FactId> MacroFacts(const std::string& policy) {
  std::vector<FactId> facts;
  const FactBits bits = CompileText(policy)->needs().macro_facts;
  for (const FactInfo& info : AllFacts()) {
    if (bits.test(static_cast<size_t>(info.id))) facts.push_back(info.id);
  }
  return facts;
}

TEST(Needs, NameTheFactsThatTheMacrosAreFor) {
  EXPECT_THAT(MacroFacts("at connect { log \"x\" when client.name }"),
              ElementsAre(FactId::kClientName))
      << "not client.resolve, though its macro is asked for";
  EXPECT_THAT(MacroFacts("at mail { log \"x\" when sender.domain and helo }"),
              ElementsAre(FactId::kServerName, FactId::kSenderDomain));
  EXPECT_THAT(MacroFacts("at rcpt { log \"x\" when rcpt.rejected > 5 }"),
              ElementsAre(FactId::kRcptMailer));
}

}  // namespace
}  // namespace gate::rules
