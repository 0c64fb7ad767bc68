// Macros that do not come: never sent, or not this time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/allocations.h"
#include "tests/policy/engine_fixture.h"

namespace gate::policy {
namespace {

using rules::FactId;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Both tests of an unknown fact are false; of an absent one, one is true.
constexpr char kDaemon[] = R"(at connect {
  same:  log "same"  when daemon == "smtpd"
  other: log "other" when daemon != "smtpd"
})";

class EngineMacros : public EngineTest {
 protected:
  // A new connection; the lines that it logged.
  std::vector<std::string> Visit() {
    log.lines.clear();
    mta.Open();
    mta.Connect();
    return log.lines;
  }
  uint64_t Events(FactId fact) const {
    for (const UnknownFact& unknown : engine.UnknownFacts()) {
      if (unknown.fact == fact) return unknown.events;
    }
    return 0;
  }
};

TEST_F(EngineMacros, NeverSentIsUnknownToldOnceAndCounted) {
  Use(kDaemon);
  mta.macros.values.erase("{daemon_name}");
  EXPECT_THAT(Visit(), ElementsAre("Postfix never sends daemon"));
  EXPECT_THAT(Visit(), IsEmpty()) << "neither told again nor true of a rule";
  EXPECT_EQ(Events(FactId::kDaemon), 2u);
  EXPECT_EQ(engine.UnknownFacts().size(), 1u);
}

TEST_F(EngineMacros, NotSentThisTimeIsAbsent) {
  Use(kDaemon);
  EXPECT_THAT(Visit(), ElementsAre("same: same"));
  mta.macros.values.erase("{daemon_name}");
  EXPECT_THAT(Visit(), ElementsAre("other: other"));
  EXPECT_THAT(engine.UnknownFacts(), IsEmpty());
}

TEST_F(EngineMacros, WhatOneKindOfMtaSendsSaysNothingOfAnother) {
  Use(kDaemon);
  EXPECT_THAT(Visit(), ElementsAre("same: same"));
  mta.macros.values.erase("{daemon_name}");
  mta.macros.values["v"] = "8.17.1.9";
  EXPECT_THAT(Visit(), ElementsAre("Sendmail never sends daemon"));
  mta.macros.values["v"] = "Postfix 3.7.11";
  EXPECT_THAT(Visit(), ElementsAre("other: other"));
}

TEST_F(EngineMacros, WhatComesLateIsNoLongerUnknown) {
  Use(kDaemon);
  mta.macros.values.erase("{daemon_name}");
  Visit();
  mta.macros.values["{daemon_name}"] = "smtpd";
  EXPECT_THAT(Visit(), ElementsAre("same: same"));
  EXPECT_THAT(engine.UnknownFacts(), IsEmpty());
  mta.macros.values.erase("{daemon_name}");
  EXPECT_THAT(Visit(), ElementsAre("other: other"));
}

TEST_F(EngineMacros, ANewPolicyTellsAgainNewListsDoNot) {
  Use(kDaemon);
  mta.macros.values.erase("{daemon_name}");
  Visit();
  engine.InstallLists(engine.lists());
  EXPECT_THAT(Visit(), IsEmpty());
  engine.Install(PolicyOf(kDaemon));
  EXPECT_THAT(Visit(), ElementsAre("Postfix never sends daemon"));
  EXPECT_EQ(Events(FactId::kDaemon), 3u) << "counted since the start";
}

TEST_F(EngineMacros, OnlyWhatThePolicyNeedsIsTold) {
  Use(R"(at connect { a: log "a" when client.name == "a.example" })");
  mta.macros.values.erase("{daemon_name}");
  mta.macros.values.erase("{client_resolve}");
  EXPECT_THAT(Visit(), IsEmpty()) << "the MTA's own check of the name will do";
  Use(kDaemon);
  Visit();
  EXPECT_EQ(engine.UnknownFacts().size(), 1u);
  Use("at connect { all: log \"all\" }");
  EXPECT_THAT(engine.UnknownFacts(), IsEmpty());
}

TEST_F(EngineMacros, LocalSubmissionTellsNothingOfTheMta) {
  Use(R"(
    at connect { other: log "other" when server.port != 25 }
    at rcpt { no: reject when rcpt.routed }
  )");
  mta.macros.values.erase("{daemon_port}");
  mta.Connect("127.0.0.1", "localhost", 0);
  EXPECT_THAT(log.lines, IsEmpty()) << "unknown until some connection has one";
  EXPECT_THAT(engine.UnknownFacts(), IsEmpty());
  mta.macros.values["{daemon_port}"] = "25";
  Visit();
  mta.macros.values.erase("{daemon_port}");
  mta.Open();
  mta.Connect("127.0.0.1", "localhost", 0);
  EXPECT_THAT(log.lines, ElementsAre("other: other")) << "absent";
}

TEST_F(EngineMacros, RecipientsAndContentHaveTheirMacrosToo) {
  Use(R"(
    at rcpt { mailer: reject when rcpt.mailer == "error" }
    at message { queue: log "{queue.id}" }
  )");
  mta.macros.values.erase("{rcpt_mailer}");
  mta.macros.values.erase("i");
  mta.Connect();
  mta.Mail();
  mta.Rcpt();
  mta.Rcpt();
  mta.Data();
  mta.Message();
  EXPECT_THAT(log.lines,
              ElementsAre("Postfix never sends rcpt.mailer",
                          "Postfix never sends queue.id", "queue: "));
  EXPECT_EQ(Events(FactId::kRcptMailer), 2u);
}

TEST_F(EngineMacros, AnUnknownFactCostsNoAllocation) {
  Use(R"(at rcpt { mailer: reject when rcpt.mailer == "error" })");
  mta.macros.values.erase("{rcpt_mailer}");
  mta.Connect();
  mta.Mail();
  mta.Rcpt();
  const size_t before = ThreadAllocations();
  mta.Rcpt();
  EXPECT_EQ(ThreadAllocations(), before);
}

}  // namespace
}  // namespace gate::policy
