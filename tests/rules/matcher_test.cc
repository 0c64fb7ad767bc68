#include <gtest/gtest.h>

#include <string>

#include "tests/allocations.h"
#include "tests/rules/policy_text.h"

namespace gate::rules {
namespace {

constexpr char kPolicy[] = R"(
list ours domains { .example.org example.net }
list nets networks { 192.0.2.0/24 2001:db8::/32 }
list people addresses { <a@example.org> }
list shapes patterns { /^x+$/ /y/i }
limit many 5/min per client.network counting connections
let known = client.ip in nets or auth.user
at message {
  reject when helo in ours and not known
  reject when helo ~ /^mx[0-9]/ or helo matches "*.example.org"
  reject when sender in people and sender.domain in { example.org a.example }
  reject when header["Subject"] ~ /spam/i or header["Subject"] in shapes
  reject when header.count["Subject"] > 1 and sender.size in { 1 2 3 }
  defer "no {client.ip} {helo} {limit.used} {limit.retry_after}" when over many or banned(client.network)
  reject when not (known and (rcpt.domain not in ours or rcpt.routed))
}
)";

void FillSession(const Policy& policy, int round, FactSet& facts) {
  facts.ResizeHeaders(policy.header_names().size());
  const bool odd = round % 2 == 1;
  facts.SetAddress(FactId::kClientIp, IpAddress::FromV4(odd ? 1 : 0xC0000201));
  facts.SetText(FactId::kHelo, odd ? "mx1.example.org" : "other.example");
  facts.SetText(FactId::kSender, odd ? "a@example.org" : "b@example.org");
  facts.SetText(FactId::kSenderDomain, "example.org");
  facts.SetNumber(FactId::kSenderSize, round);
  facts.SetText(FactId::kRcptDomain, odd ? "example.net" : "x.example");
  const HeaderId subject = *policy.FindHeader("Subject");
  facts.AddHeader(subject, odd ? "cheap SPAM, only today" : "xxx");
  facts.AddHeader(subject, "hello");
}

TEST(Matcher, DoesNotAllocateAfterWarmUp) {
  const auto policy = CompileText(kPolicy);
  FactSet facts;
  MatchState state;
  const MatchInput input = {facts, *policy->list_contents(), {}};
  std::string text;
  size_t before = 0;
  for (int round = 0; round < 20; ++round) {
    if (round == 10) before = ThreadAllocations();
    FillSession(*policy, round, facts);
    for (const Rule& rule : policy->rules()) {
      policy->Holds(rule.id, input, state);
      policy->HoldsWithoutStore(rule.id, input, state);
    }
    policy->rule({5}).text.Render(facts, {}, text);
    if (round % 3 == 0) state.Reset();
  }
  EXPECT_EQ(ThreadAllocations(), before);
}

}  // namespace
}  // namespace gate::rules
