#include "milter/missing_macro.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/rules/policy_text.h"

namespace gate::milter {
namespace {

using policy::MtaKind;
using rules::FactId;

std::string Mend(MtaKind mta, FactId fact) {
  return MendingLine(mta, rules::Info(fact));
}

TEST(MendingLine, OfPostfixIsItsListWithTheMacro) {
  EXPECT_EQ(Mend(MtaKind::kPostfix, FactId::kClientPtr),
            "main.cf: milter_connect_macros = j {daemon_name} {daemon_addr} v "
            "_ {client_ptr}");
  EXPECT_EQ(Mend(MtaKind::kPostfix, FactId::kRcptMailer),
            "main.cf: milter_rcpt_macros = i {rcpt_addr} {rcpt_host} "
            "{rcpt_mailer}");
  EXPECT_EQ(Mend(MtaKind::kPostfix, FactId::kQueueId),
            "main.cf: milter_data_macros = i");
}

TEST(MendingLine, GivesPostfixAValueForWhatItDoesNotKnow) {
  EXPECT_EQ(Mend(MtaKind::kPostfix, FactId::kServerHost),
            "main.cf: milter_macro_defaults = {if_name}=$myhostname");
  EXPECT_EQ(Mend(MtaKind::kPostfix, FactId::kServerAddress),
            "main.cf: milter_connect_macros = j {daemon_name} {daemon_addr} v "
            "_")
      << "it knows one of the two";
}

TEST(MendingLine, OfSendmailIsQuotedForM4) {
  EXPECT_EQ(Mend(MtaKind::kSendmail, FactId::kClientPtr),
            "sendmail.mc: define(`confMILTER_MACROS_CONNECT', ``j, _, "
            "{daemon_name}, {if_name}, {if_addr}, {client_ptr}'')dnl");
  EXPECT_EQ(Mend(MtaKind::kSendmail, FactId::kAuthUser),
            "sendmail.mc: define(`confMILTER_MACROS_ENVFROM', ``i, "
            "{auth_type}, {auth_authen}, {auth_ssf}, {auth_author}, "
            "{mail_mailer}, {mail_host}, {mail_addr}'')dnl");
}

TEST(MendingLine, IsBothForAnMtaThatDoesNotSayItsName) {
  EXPECT_EQ(Mend(MtaKind::kOther, FactId::kQueueId),
            "main.cf: milter_data_macros = i; or sendmail.mc: "
            "define(`confMILTER_MACROS_DATA', ``i'')dnl");
}

TEST(DescribeRules, NamesTheFirstAndCountsTheRest) {
  std::vector<RuleName> rules = {
      {.stage = rules::Stage::kConnect, .label = "inside"},
      {.stage = rules::Stage::kMail, .label = "mail:7"}};
  EXPECT_EQ(DescribeRules({}), "");
  EXPECT_EQ(DescribeRules(rules), "inside (connect), mail:7 (mail)");
  rules.resize(13, {.stage = rules::Stage::kRcpt, .label = "r"});
  EXPECT_EQ(DescribeRules(rules),
            "inside (connect), mail:7 (mail), r (rcpt), r (rcpt), r (rcpt), r "
            "(rcpt), r (rcpt), r (rcpt), r (rcpt), r (rcpt) and 3 more");
}

TEST(MissingMacro, IsToldWithTheRulesAndTheLineThatMendsIt) {
  const auto policy = rules::CompileText(R"(
    let inside = server.host == "mx.example.org"
    at mail {
      other:   log "x" when helo == "x"
      outside: reject when not inside
    })");
  EXPECT_EQ(DescribeMissingMacro({.fact = FactId::kServerHost,
                                  .mta = MtaKind::kPostfix,
                                  .policy = *policy}),
            "Postfix never sends {if_name}: server.host is unknown, every test "
            "of it is false; needed by outside (mail); to mend it, in main.cf: "
            "milter_macro_defaults = {if_name}=$myhostname");
  const UnknownFactReport report = ReportUnknownFact(
      {.fact = FactId::kServerHost, .mta = MtaKind::kPostfix, .events = 3},
      *policy);
  EXPECT_EQ(report.fact, "server.host");
  EXPECT_EQ(report.macros, "{if_name}");
  EXPECT_EQ(report.mta, "Postfix");
  EXPECT_EQ(report.events, 3u);
  ASSERT_EQ(report.rules.size(), 1u);
  EXPECT_EQ(report.rules[0].label, "outside");
}

}  // namespace
}  // namespace gate::milter
