// What a session sees of new policies and list contents.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "policy/memory_store.h"
#include "tests/policy/engine_fixture.h"

namespace gate::policy {
namespace {

using rules::Action;

TEST_F(EngineTest, PinsRulesPerConnection) {
  Use(R"(at mail { old: reject 550 5.7.1 "Old" })");
  mta.Connect();
  engine.Install(PolicyOf(R"(at mail { new: reject 550 5.7.1 "New" })"));
  EXPECT_EQ(LabelOf(mta.Mail()), "old");
  mta.Close();
  mta.Open();
  mta.Connect();
  EXPECT_EQ(LabelOf(mta.Mail()), "new");
}

TEST_F(EngineTest, PinsListsPerMessage) {
  constexpr char kListed[] = R"(
    list unused strings { x }
    list blocked networks { %s }
    at rcpt { blocked: reject 554 5.7.1 "Blocked" when client.ip in blocked }
    at message { late: reject 554 5.7.1 "Blocked" when client.ip in blocked }
  )";
  Use(absl::StrFormat(kListed, "198.51.100.0/24"));
  mta.Connect();
  mta.Mail();
  EXPECT_EQ(mta.Rcpt().action, Action::kAccept);
  const auto newer = PolicyOf(absl::StrFormat(kListed, "203.0.113.0/24"));
  engine.InstallLists(newer->list_contents());
  EXPECT_EQ(mta.Rcpt().action, Action::kAccept) << "this message's lists stay";
  EXPECT_EQ(mta.Message().action, Action::kAccept);
  mta.Mail();
  EXPECT_EQ(LabelOf(mta.Rcpt()), "blocked");
}

TEST_F(EngineTest, GivesOldPoliciesTheNewListsByNameAndType) {
  Use(R"(
    list blocked networks { 198.51.100.0/24 }
    list names domains { a.example }
    at mail {
      b: reject 554 5.7.1 "Blocked" when client.ip in blocked
      n: reject 554 5.7.1 "Name" when sender.domain in names
    })");
  mta.Connect();
  engine.Install(PolicyOf(R"(
    list names strings { b.example }
    list more networks { 192.0.2.0/24 }
    list blocked networks { 203.0.113.0/24 }
    at mail { x: reject 550 5.7.1 "X" when client.ip in blocked or client.ip in more or helo in names }
  )"));
  EXPECT_EQ(LabelOf(mta.Mail("<x@a.example>")), "b");
  mta.Close();
  mta.Open();
  EXPECT_EQ(LabelOf((mta.Connect(), mta.Mail())), "x");
}

TEST_F(EngineTest, KeepsAListThatTheNewPolicyHasNotOrOfAnotherType) {
  Use(R"(
    list names domains { a.example }
    at mail { n: reject 554 5.7.1 "Name" when sender.domain in names })");
  mta.Connect();
  engine.Install(PolicyOf(R"(
    list names strings { b.example }
    at mail { x: reject 550 5.7.1 "X" when helo in names })"));
  EXPECT_EQ(LabelOf(mta.Mail("<x@a.example>")), "n");
}

TEST_F(EngineTest, KeepsStateOfStoresAndStatisticsOverPolicies) {
  constexpr char kRate[] = R"(
    limit few %s per sender counting messages
    at mail { many: defer 451 4.7.1 "Too many" when over few })";
  MemoryStore memory;
  FakeMta client{engine, memory};
  engine.Install(PolicyOf(absl::StrFormat(kRate, "2/hour")));
  client.Open();
  client.Connect();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(client.Mail().action, Action::kAccept);
    client.Rcpt();
    client.Message();
  }
  EXPECT_EQ(LabelOf(client.Mail()), "many");
  client.Close();
  // A greater rate acts at once, and what was used stays used.
  engine.Install(PolicyOf(absl::StrFormat(kRate, "3/hour")));
  client.Open();
  client.Connect();
  EXPECT_EQ(client.Mail().action, Action::kAccept);
  client.Rcpt();
  client.Message();
  EXPECT_EQ(LabelOf(client.Mail()), "many");
  EXPECT_EQ(CountOf("many"), 2U);
}

TEST_F(EngineTest, SwapsUnderSessionsOnOtherThreads) {
  constexpr char kText[] = R"(
    list blocked networks { 198.51.100.0/24 }
    at mail { no: reject 550 5.7.1 "No" when client.ip in blocked })";
  engine.Install(PolicyOf(kText));
  constexpr size_t kThreads = 3;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      MemoryStore memory;
      FakeMta client{engine, memory};
      for (int i = 0; i < 200; ++i) {
        client.Open();
        client.Connect();
        EXPECT_EQ(client.Mail().action, Action::kAccept);
        client.Close();
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    const auto policy = PolicyOf(kText);
    engine.Install(policy);
    engine.InstallLists(policy->list_contents());
  }
  for (std::thread& thread : threads) thread.join();
}

// XCLIENT: what the message before gives back belongs to the policy that goes
// with it.
TEST_F(EngineTest, KeepsALimitAsLongAsItsEffectIsNotPosted) {
  MemoryStore memory;
  FakeMta client{engine, memory};
  engine.Install(PolicyOf(R"(
    limit mails 5/hour per sender counting messages
    at mail { many: defer 451 4.7.1 "Too many" when over mails })"));
  client.Open();
  client.Connect();
  client.Mail();
  const std::weak_ptr<const rules::Policy> old = engine.policy();
  engine.Install(PolicyOf("at rcpt { other: accept }"));
  EXPECT_EQ(client.Connect().action, Action::kAccept);
  ASSERT_FALSE(client.session.effects().empty());
  EXPECT_FALSE(old.expired()) << "its limit is still pointed to";
  client.Helo();
  EXPECT_TRUE(old.expired()) << "kept longer than needed";
}

}  // namespace
}  // namespace gate::policy
