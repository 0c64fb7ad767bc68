#include "rules/facts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gate::rules {
namespace {

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

bool IsMacro(std::string_view name) {
  if (name.size() == 1) return true;
  return name.size() > 2 && name.starts_with('{') &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", 1) ==
             name.size() - 1 &&
         name.ends_with('}');
}

TEST(Facts, EachIsFoundByItsName) {
  std::set<std::string_view> names;
  for (const FactInfo& info : AllFacts()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(FindFact(info.name), info.id) << info.name;
    EXPECT_EQ(Info(info.id).name, info.name);
  }
  EXPECT_EQ(names.size(), kFactCount);
  EXPECT_EQ(FindFact("client"), std::nullopt);
  EXPECT_EQ(FindFact(""), std::nullopt);
  EXPECT_EQ(FindFact("Client.IP"), std::nullopt);
}

// The facts that administrators were promised.
TEST(Facts, TheVocabularyIsComplete) {
  for (const char* name : {"client.ip",
                           "client.network",
                           "client.name",
                           "client.ptr",
                           "client.port",
                           "client.resolve",
                           "server.name",
                           "server.address",
                           "server.port",
                           "server.host",
                           "daemon",
                           "session.local",
                           "helo",
                           "tls.version",
                           "tls.cipher",
                           "tls.bits",
                           "tls.cert.subject",
                           "tls.cert.issuer",
                           "tls.cert.verified",
                           "auth.method",
                           "auth.user",
                           "auth.author",
                           "sender",
                           "sender.local",
                           "sender.domain",
                           "sender.raw",
                           "sender.size",
                           "sender.body",
                           "sender.smtputf8",
                           "sender.ret",
                           "sender.envid",
                           "sender.auth",
                           "rcpt",
                           "rcpt.local",
                           "rcpt.domain",
                           "rcpt.raw",
                           "rcpt.routed",
                           "rcpt.mailer",
                           "rcpt.count",
                           "rcpt.rejected",
                           "rcpt.notify",
                           "rcpt.orcpt",
                           "from",
                           "from.domain",
                           "from.count",
                           "header",
                           "header.count",
                           "message.size",
                           "body",
                           "queue.id",
                           "time.hour",
                           "time.weekday"}) {
    EXPECT_TRUE(FindFact(name)) << name;
  }
}

TEST(Facts, MacrosAreSpelledAsLibmilterTakesThem) {
  for (const FactInfo& info : AllFacts()) {
    for (const std::string_view macro : Words(info.macros)) {
      EXPECT_TRUE(IsMacro(macro)) << info.name << ": " << macro;
    }
    EXPECT_EQ(info.macros.empty(), info.origin != FactOrigin::kMacro)
        << info.name;
    EXPECT_LE(info.macro_stage, info.stage) << info.name;
  }
}

// An absent address, user or certificate is an answer; unknown would make
// rules about it silently false.
TEST(Facts, OptionalMacrosAreNeverUnknown) {
  for (const FactInfo& info : AllFacts()) {
    if (info.always_sent) {
      EXPECT_FALSE(info.macros.empty()) << info.name;
    }
    for (const std::string_view optional :
         {"tls.", "auth.", "sender", "from"}) {
      if (info.name.starts_with(optional)) {
        EXPECT_FALSE(info.always_sent) << info.name;
      }
    }
  }
  EXPECT_TRUE(Info(FactId::kServerHost).always_sent);
  EXPECT_FALSE(Info(FactId::kClientName).always_sent);
}

TEST(Facts, StagesFollowSmtp) {
  for (const FactInfo& info : AllFacts()) {
    const std::string_view family = info.name.substr(0, info.name.find('.'));
    if (family == "client" || family == "server") {
      EXPECT_EQ(info.stage, Stage::kConnect) << info.name;
    } else if (family == "tls") {
      EXPECT_EQ(info.stage, Stage::kHelo) << info.name;
    } else if (family == "sender" || family == "auth") {
      EXPECT_EQ(info.stage, Stage::kMail) << info.name;
    } else if (family == "rcpt") {
      EXPECT_EQ(info.stage, Stage::kRcpt) << info.name;
    } else if (family == "from" || family == "header") {
      EXPECT_EQ(info.stage, Stage::kHeaders) << info.name;
    }
  }
  EXPECT_EQ(Info(FactId::kQueueId).stage, Stage::kData);
  EXPECT_EQ(Info(FactId::kBody).stage, Stage::kMessage);
}

TEST(Facts, DescriptionsAreOneLineWithoutFullStop) {
  for (const FactInfo& info : AllFacts()) {
    EXPECT_FALSE(info.description.empty()) << info.name;
    EXPECT_LE(info.description.size(), 80u) << info.name;
    EXPECT_EQ(info.description.find('\n'), std::string_view::npos) << info.name;
    EXPECT_NE(info.description.back(), '.') << info.name;
  }
}

TEST(Facts, OnlyHeadersAreIndexed) {
  for (const FactInfo& info : AllFacts()) {
    EXPECT_EQ(info.indexed,
              info.id == FactId::kHeader || info.id == FactId::kHeaderCount)
        << info.name;
  }
}

TEST(Facts, StagesHaveNames) {
  for (size_t i = 0; i < kStageCount; ++i) {
    const auto stage = static_cast<Stage>(i);
    EXPECT_EQ(FindStage(StageName(stage)), stage);
  }
  EXPECT_EQ(StageName(Stage::kRcpt), "rcpt");
  EXPECT_EQ(FindStage("eom"), std::nullopt);
}

TEST(Facts, TypesHaveNames) {
  EXPECT_EQ(FactTypeName(FactType::kText), "text");
  EXPECT_EQ(FactTypeName(FactType::kMailbox), "mailbox");
  EXPECT_EQ(FactTypeName(FactType::kFlag), "flag");
}

}  // namespace
}  // namespace gate::rules
