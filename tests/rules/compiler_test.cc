#include "rules/compiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/rules/policy_text.h"

namespace gate::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Labels(std::span<const Rule> rules) {
  std::vector<std::string> labels;
  for (const Rule& rule : rules) labels.push_back(rule.label);
  return labels;
}

TEST(Compiler, OrdersRulesByStageThenAsWritten) {
  const auto policy = CompileText(
      "at rcpt { a: reject when rcpt }\n"
      "at connect { b: reject when client.ip }\n"
      "at rcpt { c: reject when rcpt.raw\n d: accept when rcpt.local }\n");
  EXPECT_THAT(Labels(policy->rules()), ElementsAre("b", "a", "c", "d"));
  EXPECT_THAT(Labels(policy->rules(Stage::kConnect)), ElementsAre("b"));
  EXPECT_THAT(Labels(policy->rules(Stage::kRcpt)), ElementsAre("a", "c", "d"));
  EXPECT_THAT(Labels(policy->rules(Stage::kMessage)), IsEmpty());
  for (uint32_t i = 0; i < policy->rules().size(); ++i)
    EXPECT_EQ(policy->rules()[i].id.value, i);
}

TEST(Compiler, NamesRulesWithoutLabelByStageAndLine) {
  const auto policy = CompileText("at mail {\n\n  reject when sender == <>\n}");
  EXPECT_EQ(policy->rule({0}).label, "mail:3");
  EXPECT_EQ(policy->rule({0}).line, 3);
  EXPECT_EQ(policy->rule({0}).file, "test.rules");
}

std::string TextOf(const Rule& rule) {
  std::string text;
  rule.text.Render({}, {}, text);
  return text;
}

TEST(Compiler, GivesRepliesTheirDefaults) {
  const auto policy = CompileText(
      "at rcpt { reject when rcpt\n defer when rcpt.raw\n"
      "reject 550 5.1.1 \"unknown\" when rcpt.local }\n"
      "at message { quarantine when body }");
  const Rule& reject = policy->rule({0});
  EXPECT_EQ(reject.code, 554);
  EXPECT_EQ(reject.enhanced, "5.7.1");
  EXPECT_EQ(TextOf(reject), "Refused by local policy");
  const Rule& defer = policy->rule({1});
  EXPECT_EQ(defer.code, 451);
  EXPECT_EQ(defer.enhanced, "4.7.1");
  EXPECT_EQ(TextOf(defer), "Deferred by local policy, please try again later");
  const Rule& written = policy->rule({2});
  EXPECT_EQ(written.code, 550);
  EXPECT_EQ(written.enhanced, "5.1.1");
  EXPECT_EQ(TextOf(written), "unknown");
  EXPECT_EQ(TextOf(policy->rule({3})), "Held by rule message:4");
}

TEST(Compiler, KnowsActionsAndScopes) {
  const auto policy = CompileText(
      "at message {\n"
      "a: add header \"X-A\" \"1\" when body\n"
      "b: set header \"X-B\" \"2\" when body\n"
      "c: remove header \"X-C\" when body\n"
      "d: log \"seen {client.ip}\" when body\n"
      "e: ban client.network for 1h when body\n"
      "f: accept message when auth.user\n"
      "g: discard when body\n}"
      "at mail { h: reject when banned(client.network) }");
  std::vector<Action> actions;
  for (const Rule& rule : policy->rules(Stage::kMessage))
    actions.push_back(rule.action);
  EXPECT_THAT(actions,
              ElementsAre(Action::kAddHeader, Action::kSetHeader,
                          Action::kRemoveHeader, Action::kLog, Action::kBan,
                          Action::kAccept, Action::kDiscard));
  const auto rules = policy->rules(Stage::kMessage);
  EXPECT_EQ(rules[0].header_name, "X-A");
  EXPECT_EQ(rules[4].ban_us, int64_t{3600} * 1'000'000);
  EXPECT_EQ(rules[5].scope, AcceptScope::kMessage);
}

TEST(Compiler, ModeShadowMakesEveryRuleShadow) {
  const std::string rules =
      "at rcpt { a: reject when rcpt\n"
      "shadow b: reject when rcpt.raw }\n";
  const auto own = CompileText(rules);
  EXPECT_FALSE(own->rule({0}).shadow);
  EXPECT_TRUE(own->rule({1}).shadow);
  EXPECT_TRUE(CompileText("set mode shadow\n" + rules)->rule({0}).shadow);
  const auto served = CompileText(rules, {.overrides = {}, .shadow = true});
  EXPECT_TRUE(served->rule({0}).shadow);
  EXPECT_TRUE(served->settings().shadow);
}

TEST(Compiler, CompilesLimits) {
  const auto policy = CompileText(
      "set outage defer\n"
      "limit a 200/hour burst 20, 1000/day per client.ip prefix 56 "
      "counting connections\n"
      "limit b 10M/min per auth.user, sender.domain counting bytes "
      "outage accept\n"
      "at message { defer when over a or over b }");
  const Limit& a = policy->limits()[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.unit, Unit::kConnections);
  EXPECT_EQ(a.outage, Outage::kDefer);
  ASSERT_EQ(a.windows.size(), 2);
  EXPECT_EQ(a.windows[0].amount, 200);
  EXPECT_EQ(a.windows[0].burst, 20);
  EXPECT_EQ(a.windows[0].period_us, int64_t{3600} * 1'000'000);
  EXPECT_EQ(a.windows[1].burst, 1000);
  ASSERT_EQ(a.keys.size(), 1);
  EXPECT_EQ(a.keys[0].fact, FactId::kClientIp);
  EXPECT_EQ(a.keys[0].prefix, 56);
  const Limit& b = policy->limits()[1];
  EXPECT_EQ(b.unit, Unit::kBytes);
  EXPECT_EQ(b.outage, Outage::kAccept);
  EXPECT_EQ(b.windows[0].amount, uint64_t{10} << 20);
  EXPECT_EQ(b.keys.size(), 2);
}

TEST(Compiler, PlansTheLookupsOfEachStage) {
  const auto policy = CompileText(
      "limit conns 5/min per client.ip counting connections\n"
      "limit rcpts 5/min per client.ip counting recipients\n"
      "limit sizes 5M/min per client.ip counting bytes\n"
      "limit bad 5/min per client.network counting rejections\n"
      "let full = over bad or over rcpts\n"
      "at connect { a: defer when over bad or over conns or "
      "banned(client.ip) }\n"
      "at rcpt { b: ban client.ip for 1h when rcpt.routed\n"
      "c: defer when full and not full }\n"
      "at message { d: defer when over sizes }");
  const StagePlan& connect = policy->plan(Stage::kConnect);
  EXPECT_THAT(connect.charged, ElementsAre(LimitId{0}));
  EXPECT_THAT(connect.peeked, ElementsAre(LimitId{3}));
  EXPECT_THAT(connect.banned, ElementsAre(BanKeyId{0}));
  EXPECT_THAT(policy->plan(Stage::kMail).charged, ElementsAre(LimitId{2}));
  const StagePlan& rcpt = policy->plan(Stage::kRcpt);
  EXPECT_THAT(rcpt.charged, ElementsAre(LimitId{1}));
  EXPECT_THAT(rcpt.peeked, ElementsAre(LimitId{3}));
  EXPECT_THAT(rcpt.banned, IsEmpty());
  EXPECT_TRUE(policy->plan(Stage::kMessage).empty());
  const auto rules = policy->rules(Stage::kRcpt);
  EXPECT_FALSE(rules[0].asks_store);
  EXPECT_TRUE(rules[1].asks_store);
  EXPECT_THAT(rules[1].over, ElementsAre(LimitId{3}, LimitId{1}));
}

TEST(Compiler, EqualBanKeysAreOne) {
  const auto policy = CompileText(
      "at connect { a: reject when banned(client.network)\n"
      "b: ban client.network for 1h when client.ptr\n"
      "c: ban client.ip prefix 56 for 1h when client.ptr }");
  ASSERT_EQ(policy->ban_keys().size(), 2);
  EXPECT_EQ(policy->ban_keys()[0].name, "client.network");
  EXPECT_EQ(policy->ban_keys()[1].name, "client.ip/56");
  EXPECT_EQ(policy->ban_keys()[1].key.prefix, 56);
  EXPECT_EQ(policy->rule({1}).ban_key, BanKeyId{0});
  EXPECT_EQ(policy->rule({2}).ban_key, BanKeyId{1});
}

TEST(Compiler, EqualConditionsAreOne) {
  const auto policy = CompileText(
      "let ours = client.ip in 192.0.2.0/24\n"
      "at mail { a: reject when ours and not auth.user\n"
      "b: accept when not auth.user\n"
      "c: reject when client.ip in { 192.0.2.0/24 } and not auth.user }");
  EXPECT_EQ(policy->rule({0}).condition, policy->rule({2}).condition);
  EXPECT_NE(policy->rule({0}).condition, policy->rule({1}).condition);
}

TEST(Compiler, ListsEditedHeadersOfRulesThatAreNotShadow) {
  const auto policy = CompileText(
      "at message { add header \"X-Gate\" \"1\" when body\n"
      "set header \"Subject\" \"2\" when body\n"
      "remove header \"X-Gate\" when body\n"
      "shadow add header \"X-Other\" \"1\" when body }");
  EXPECT_THAT(policy->edited_headers(), ElementsAre("subject", "x-gate"));
  EXPECT_THAT(policy->added_headers(), ElementsAre("x-gate"));
}

TEST(Compiler, ReadsSettings) {
  const auto policy = CompileText(
      "list ours networks { 127.0.0.0/8 }\n"
      "set socket \"unix:/run/gate/milter\" mode 660 group postfix\n"
      "set control \"unix:/run/gate/control\"\n"
      "set outage accept\n set failure accept\n set protect ours\n"
      "set user \"gate\"\n set log warning\n set body-limit 128K\n");
  const Settings& settings = policy->settings();
  ASSERT_EQ(settings.sockets.size(), 1);
  EXPECT_EQ(settings.sockets[0].address, "unix:/run/gate/milter");
  EXPECT_EQ(settings.sockets[0].mode, 0660);
  EXPECT_EQ(settings.sockets[0].group, "postfix");
  EXPECT_EQ(settings.sockets[0].name, "");
  ASSERT_TRUE(settings.control);
  EXPECT_EQ(settings.control->mode, std::nullopt);
  EXPECT_EQ(settings.outage, Outage::kAccept);
  EXPECT_EQ(settings.failure, Action::kAccept);
  EXPECT_EQ(settings.protect, ListId{0});
  EXPECT_EQ(settings.user, "gate");
  EXPECT_EQ(settings.log, "warning");
  EXPECT_EQ(settings.body_limit, 128 * 1024);
}

TEST(Compiler, ReadsSettingsOfTheNativeDoor) {
  const auto policy = CompileText(
      "set door native\n set loops 4\n set max-connections 100\n"
      "set drain 0s\n"
      "set socket \"unix:/run/gate/a\" as inbound mode 600\n"
      "set socket \"unix:/run/gate/b\"\n"
      "set socket \"unix:/run/gate/c\"\n"
      "set socket \"inet:8891\" as \"outbound\"\n");
  const Settings& settings = policy->settings();
  EXPECT_EQ(settings.door, Door::kNative);
  EXPECT_EQ(settings.loops, 4);
  EXPECT_EQ(settings.max_connections, 100);
  EXPECT_EQ(settings.drain_us, 0);
  ASSERT_EQ(settings.sockets.size(), 4);
  EXPECT_EQ(settings.sockets[0].name, "inbound");
  EXPECT_EQ(settings.sockets[0].mode, 0600);
  EXPECT_EQ(settings.sockets[1].name, "");
  EXPECT_EQ(settings.sockets[3].address, "inet:8891");
  EXPECT_EQ(settings.sockets[3].name, "outbound");
}

TEST(Compiler, ReadsSettingsOfWhatIsShownAndKept) {
  const auto policy = CompileText(
      "set metrics \"[2001:db8::1]:9554\"\n"
      "set web-password from \"web.password\"\n"
      "set state \"/var/lib/gatemilter\"\n"
      "set journal \"/var/log/gatemilter\" max 512MiB keep 3d\n"
      "set journal-sample 0.1%\n set journal-privacy on\n"
      "set reference off\n set contact \"postmaster@example.org\"\n"
      "set log-format json\n set node 0\n");
  const Settings& settings = policy->settings();
  ASSERT_TRUE(settings.metrics);
  EXPECT_EQ(settings.metrics->address, "inet:9554@2001:db8::1");
  EXPECT_EQ(settings.web_password_file, "web.password");
  EXPECT_EQ(settings.state, "/var/lib/gatemilter");
  ASSERT_TRUE(settings.journal);
  EXPECT_EQ(settings.journal->folder, "/var/log/gatemilter");
  EXPECT_EQ(settings.journal->keep_us, int64_t{3} * 24 * 3600 * 1'000'000);
  EXPECT_EQ(settings.journal->max_bytes, uint64_t{512} << 20);
  EXPECT_EQ(settings.journal_sample_ppm, 1000);
  EXPECT_TRUE(settings.journal_privacy);
  EXPECT_EQ(settings.reference, false);
  EXPECT_EQ(settings.contact, "postmaster@example.org");
  EXPECT_EQ(settings.log_format, LogFormat::kJson);
  EXPECT_EQ(settings.node, 0);
}

TEST(Compiler, NothingIsShownOrKeptUnlessAskedFor) {
  const Settings settings = CompileText("set log info\n")->settings();
  EXPECT_FALSE(settings.metrics);
  EXPECT_FALSE(settings.journal);
  EXPECT_EQ(settings.state, "");
  EXPECT_EQ(settings.journal_sample_ppm, 0);
  EXPECT_EQ(settings.reference, std::nullopt);
  EXPECT_EQ(settings.log_format, LogFormat::kText);
  EXPECT_EQ(settings.node, std::nullopt);
}

TEST(Compiler, AJournalHasItsOwnBounds) {
  const auto policy = CompileText("set journal \"/var/log/gatemilter\"\n");
  const JournalSetting& journal = *policy->settings().journal;
  EXPECT_EQ(journal.keep_us, int64_t{14} * 24 * 3600 * 1'000'000);
  EXPECT_EQ(journal.max_bytes, uint64_t{4} << 30);
}

TEST(Compiler, AutoLoopsAreAsManyAsThereAreCpus) {
  EXPECT_EQ(CompileText("set loops auto\n")->settings().loops, 0);
}

TEST(Compiler, OverridesOfTheCommandLineReplaceSettings) {
  const auto policy = CompileText("set outage accept\nset log warning\n",
                                  {.overrides = {"outage defer"}});
  EXPECT_EQ(policy->settings().outage, Outage::kDefer);
  EXPECT_EQ(policy->settings().log, "warning");
}

TEST(Compiler, KeepsTheTests) {
  const auto policy = CompileText(
      "at connect { reject when client.ip in 192.0.2.1 }\n"
      "test \"first\" {\n client 192.0.2.1\n}\n");
  ASSERT_EQ(policy->tests().size(), 1);
  EXPECT_EQ(policy->tests()[0].title.text, "first");
  EXPECT_EQ(policy->tests()[0].steps.size(), 1);
}

}  // namespace
}  // namespace gate::rules
