// Macros that an MTA never sends, and the line of main.cf that mends it.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/mta/gate_test.h"

namespace gate::mta {
namespace {

using nlohmann::json;

constexpr char kPolicy[] = R"(
at connect {
  host:  log "host"  when server.host
  other: log "other" when client.ptr or client.resolve or server.name or
                          server.address or server.port or daemon
}
at rcpt {
  elsewhere: reject 550 5.7.1 "Not here" when server.host != "mx.example.org"
  mailer:    log "mailer" when rcpt.mailer
}
at data { queue: log "queue" when queue.id }
)";

class Macros : public GateTest {
 protected:
  json UnknownFacts() {
    return json::parse(gate().StatsJson())["unknown_facts"];
  }
  int Deliver() const {
    return Visit()
        .Deliver("<a@sender.example>", "<bob@example.org>", kCleanMessage)
        .code;
  }
};

TEST_F(Macros, PostfixNeverSendsTheInterfacesNameAlone) {
  ASSERT_NO_FATAL_FAILURE(StartGate(kPolicy));
  EXPECT_EQ(Deliver(), 250) << "a test of what is unknown is false";
  const json facts = UnknownFacts();
  ASSERT_EQ(facts.size(), 1u) << facts;
  EXPECT_EQ(facts[0]["fact"], "server.host");
  EXPECT_EQ(facts[0]["mta"], "Postfix");
  EXPECT_EQ(facts[0]["mend"],
            "main.cf: milter_macro_defaults = {if_name}=$myhostname");
  EXPECT_THAT(gate().Log(),
              testing::HasSubstr("Postfix never sends {if_name}"));
}

TEST_F(Macros, TheLineThatIsSaidMendsIt) {
  ASSERT_NO_FATAL_FAILURE(StartGate(
      kPolicy, {.open = true,
                .settings = {"milter_macro_defaults={if_name}=$myhostname",
                             "myhostname=mx.example.org"}}));
  EXPECT_EQ(Deliver(), 250) << gate().Log();
  EXPECT_TRUE(UnknownFacts().empty()) << UnknownFacts();
  EXPECT_GT(gate().RuleCount("connect", "host"), 0);
}

class SendmailMacros : public GateTest {
 protected:
  SendmailMacros() : GateTest(Mta::kSendmail) {}
};

TEST_F(SendmailMacros, AreAllThatFactsNeed) {
  ASSERT_NO_FATAL_FAILURE(StartGate(kPolicy));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@sender.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<bob@example.org>").code, 550)
      << "server.host is known here";
  EXPECT_EQ(gate().RuleCount("connect", "host"), 1);
  const json stats = json::parse(gate().StatsJson());
  EXPECT_TRUE(stats["unknown_facts"].empty()) << stats["unknown_facts"];
}

}  // namespace
}  // namespace gate::mta
