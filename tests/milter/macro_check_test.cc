// What an administrator sees of a macro that the MTA never sends: the real
// binary, and an MTA of either kind that speaks the protocol.
#include <grp.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/milter/mta_client.h"
#include "tests/mta/gatemilter_process.h"
#include "tests/mta/temp_dir.h"

namespace gate::milter {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kPolicy[] = R"(
at mail {
  inside: reject 550 5.7.1 "Inside" when server.host == "in.example.org"
  ours:   reject 550 5.7.1 "Ours" when server.host != "in.example.org"
}
)";

class MacroCheck : public testing::Test {
 protected:
  MacroCheck()
      : gate_({.dir = folder_.path(),
               .milter_socket = folder_.path() + "/milter.sock",
               .group = getgrgid(getegid())->gr_name,
               .policy = kPolicy}) {
    EXPECT_EQ(gate_.fault(), "");
  }

  // What MAIL is answered with in a connection with these macros.
  std::string Mail(const MtaClient::Macros& macros) {
    MtaClient mta(folder_.path() + "/milter.sock");
    EXPECT_TRUE(mta.Negotiate());
    EXPECT_THAT(mta.wanted_macros().at(0),
                AllOf(HasSubstr("{if_name}"), HasSubstr("v")));
    mta.SendMacros('C', macros);
    mta.Connect("mx.a.example", "192.0.2.1", 25000);
    return mta.Mail("<a@a.example>").text;
  }

  json UnknownFacts() const {
    return json::parse(gate_.StatsJson())["unknown_facts"];
  }

  // In the log as often as that.
  size_t Said(const std::string& text) const {
    const std::string log = gate_.Log();
    size_t count = 0;
    for (size_t at = log.find(text); at != std::string::npos;
         at = log.find(text, at + 1)) {
      ++count;
    }
    return count;
  }

  mta::TempDir folder_;
  mta::GatemilterProcess gate_;
};

constexpr char kPostfixLine[] =
    "main.cf: milter_macro_defaults = {if_name}=$myhostname";
constexpr char kSendmailLine[] =
    "sendmail.mc: define(`confMILTER_MACROS_CONNECT', ``j, _, {daemon_name}, "
    "{if_name}, {if_addr}'')dnl";

TEST_F(MacroCheck, IsSaidOnceWithTheLineForMainCf) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Mail({{"v", "Postfix 3.7.11"}}), "") << "unknown: both are false";
  }
  const json facts = UnknownFacts();
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0], json({{"fact", "server.host"},
                            {"macros", "{if_name}"},
                            {"mta", "Postfix"},
                            {"events", 3},
                            {"rules",
                             {{{"stage", "mail"}, {"rule", "inside"}},
                              {{"stage", "mail"}, {"rule", "ours"}}}},
                            {"mend", kPostfixLine}}));
  EXPECT_EQ(gate_.Stop(), 0);
  EXPECT_EQ(Said("Postfix never sends {if_name}"), 1u) << gate_.Log();
  EXPECT_EQ(Said(kPostfixLine), 1u);
}

TEST_F(MacroCheck, IsSaidWithTheLineForSendmailMc) {
  EXPECT_EQ(Mail({{"v", "8.17.1.9"}}), "");
  ASSERT_EQ(UnknownFacts().size(), 1u);
  EXPECT_EQ(UnknownFacts()[0]["mta"], "Sendmail");
  EXPECT_EQ(UnknownFacts()[0]["mend"], kSendmailLine);
  EXPECT_EQ(gate_.Stop(), 0);
  EXPECT_EQ(Said(kSendmailLine), 1u) << gate_.Log();
}

TEST_F(MacroCheck, AMacroThatCameOnceIsOnlyAbsentLater) {
  EXPECT_EQ(Mail({{"v", "8.17.1.9"}, {"{if_name}", "in.example.org"}}),
            "550 5.7.1 Inside");
  EXPECT_EQ(Mail({{"v", "8.17.1.9"}}), "550 5.7.1 Ours");
  EXPECT_EQ(Mail({{"v", "Postfix 3.7.11"}}), "") << "another MTA";
  ASSERT_EQ(UnknownFacts().size(), 1u);
  EXPECT_EQ(UnknownFacts()[0]["mta"], "Postfix");
  EXPECT_EQ(gate_.Stop(), 0);
  EXPECT_EQ(Said("Sendmail never sends"), 0u) << gate_.Log();
}

TEST_F(MacroCheck, IsSaidAgainAfterAReload) {
  Mail({{"v", "Postfix 3.7.11"}});
  EXPECT_EQ(gate_.Reload().status, 0);
  Mail({{"v", "Postfix 3.7.11"}});
  Mail({{"v", "Postfix 3.7.11"}});
  EXPECT_EQ(gate_.Stop(), 0);
  EXPECT_EQ(Said("Postfix never sends {if_name}"), 2u) << gate_.Log();
}

TEST_F(MacroCheck, IsReadableInStats) {
  EXPECT_THAT(gate_.Stats(), Not(HasSubstr("unknown:")));
  Mail({{"v", "Postfix 3.7.11"}});
  EXPECT_THAT(gate_.Stats(),
              HasSubstr("unknown: server.host; Postfix never sends {if_name}: "
                        "every test of it was false in 1 event\n"
                        "  needed by inside (mail), ours (mail)\n"
                        "  to mend it, in " +
                        std::string(kPostfixLine) + "\n"));
}

}  // namespace
}  // namespace gate::milter
