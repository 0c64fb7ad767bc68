// Which entry of which list a test of a rule was decided by.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rules/load.h"
#include "tests/allocations.h"
#include "tests/rules/map_reader.h"

namespace gate::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr Weighed kNo = {.truth = Truth::kFalse};
constexpr Weighed kYes = {.truth = Truth::kTrue};
constexpr Weighed kAsk = {.truth = Truth::kNeedsStore};
Weighed Yes(uint32_t line) { return {Truth::kTrue, line}; }
Weighed No(uint32_t line) { return {Truth::kFalse, line}; }

constexpr char kRules[] =
    "list names    domains   from \"names.list\"\n"
    "list nets     networks  from \"nets.list\"\n"
    "list people   addresses from \"people.list\"\n"
    "list words    strings   from \"words.list\"\n"
    "list shapes   patterns  from \"shapes.list\"\n"
    "list inside   networks  { 192.0.2.1\n"
    "                          192.0.2.2 }\n"
    "limit many 1/hour counting messages\n"
    "let known = client.ip in inside\n";

const std::map<std::string, std::string> kLists = {
    {"names.list", "# names\n\nexample.org\n.example.net\n.b.example.net\n"},
    {"nets.list", "10.1.0.0/16\n10.0.0.0/8\n10.0.0.0/8\n2001:db8::/32\n"},
    {"people.list", "a@example.org\nB@Example.org  # in any case\n"},
    {"words.list", "PLAIN\nLOGIN\n"},
    {"shapes.list", "/^my/\n/x$/\n/^my/\n/^MX2/\n"},
};

class WeighTest : public testing::Test {
 protected:
  void Load(const std::string& condition) {
    std::map<std::string, std::string> files = kLists;
    files["policy.rules"] = absl::StrCat(
        kRules, "at message { it: reject when ", condition, " }\n");
    MapReader reader(std::move(files));
    const LoadResult result = LoadPolicy(reader, "policy.rules");
    policy_ = result.policy;
    ASSERT_NE(policy_, nullptr) << result.Render();
    facts_ = FactSet();
    facts_.ResizeHeaders(policy_->header_names().size());
    state_.Reset();
  }

  const std::vector<Weighed>& Weigh() {
    policy_->Weigh({0}, {facts_, *policy_->list_contents(), {}}, state_, out_);
    return out_;
  }

  std::shared_ptr<const Policy> policy_;
  FactSet facts_;
  MatchState state_;
  std::vector<Weighed> out_;
};

TEST_F(WeighTest, NamesTheLineOfADomainsEntry) {
  Load("sender.domain in names and rcpt.domain not in names");
  facts_.SetText(FactId::kSenderDomain, "example.org");
  facts_.SetText(FactId::kRcptDomain, "elsewhere.example");
  EXPECT_THAT(Weigh(), ElementsAre(Yes(3), kYes));
  facts_.SetText(FactId::kSenderDomain, "example.net");
  facts_.SetText(FactId::kRcptDomain, "a.b.example.net");
  EXPECT_THAT(Weigh(), ElementsAre(Yes(4), No(4)));
}

TEST_F(WeighTest, NamesTheWidestNetworkAndTheFirstOfEqualOnes) {
  Load("client.ip in nets");
  facts_.SetAddress(FactId::kClientIp, *IpAddress::Parse("10.1.2.3"));
  EXPECT_THAT(Weigh(), ElementsAre(Yes(2)));
  facts_.SetAddress(FactId::kClientIp, *IpAddress::Parse("2001:db8::1"));
  EXPECT_THAT(Weigh(), ElementsAre(Yes(4)));
  facts_.SetAddress(FactId::kClientIp, *IpAddress::Parse("192.0.2.1"));
  EXPECT_THAT(Weigh(), ElementsAre(kNo));
}

TEST_F(WeighTest, NamesLinesOfAddressesStringsAndPatterns) {
  Load("sender in people and auth.method in words and helo in shapes");
  facts_.SetText(FactId::kSender, "b@example.org");
  facts_.SetText(FactId::kAuthMethod, "LOGIN");
  facts_.SetText(FactId::kHelo, "box");
  EXPECT_THAT(Weigh(), ElementsAre(Yes(2), Yes(2), Yes(2)));
}

TEST_F(WeighTest, NamesEntriesThatOnlyFoldedFactsFind) {
  Load("sender.local in words and helo in shapes");
  facts_.SetText(FactId::kSenderLocal, "login");
  facts_.SetText(FactId::kHelo, "mx2.example");
  EXPECT_THAT(Weigh(), ElementsAre(Yes(2), Yes(4)));
}

TEST_F(WeighTest, NamesThePatternOfALongList) {
  std::map<std::string, std::string> files;
  for (int i = 0; i < 200; ++i) {
    absl::StrAppend(&files["many.list"], "/^h", i, "[.]/\n");
  }
  files["policy.rules"] =
      "list many_shapes patterns from \"many.list\"\n"
      "at helo { it: reject when helo in many_shapes }\n";
  MapReader reader(std::move(files));
  policy_ = LoadPolicy(reader, "policy.rules").policy;
  ASSERT_NE(policy_, nullptr);
  facts_.SetText(FactId::kHelo, "h150.example");
  EXPECT_THAT(Weigh(), ElementsAre(Yes(151)));
  facts_.SetText(FactId::kHelo, "h.example");
  EXPECT_THAT(Weigh(), ElementsAre(kNo));
}

TEST_F(WeighTest, NamesTheEntryOfSomeHeader) {
  Load("header[\"X\"] in words");
  facts_.AddHeader({0}, "none");
  facts_.AddHeader({0}, "PLAIN");
  EXPECT_THAT(Weigh(), ElementsAre(Yes(1)));
}

TEST_F(WeighTest, InlineListsHaveTheLinesOfTheirFile) {
  Load("not known and over many");
  facts_.SetAddress(FactId::kClientIp, *IpAddress::Parse("192.0.2.2"));
  EXPECT_THAT(Weigh(), ElementsAre(Yes(7), kAsk));
  EXPECT_EQ(policy_->lists()[5].entries_file(), "policy.rules");
  EXPECT_EQ(policy_->lists()[0].entries_file(), "names.list");
  EXPECT_EQ(
      policy_->Explain({0}, {facts_, *policy_->list_contents(), {}})[0].entry,
      "policy.rules:7");
}

TEST_F(WeighTest, AbsentFactsAreFoundNowhere) {
  Load("client.ip not in nets and client.ip in 192.0.2.0/24");
  EXPECT_THAT(Weigh(), ElementsAre(kYes, kNo));
}

TEST_F(WeighTest, TestsSayWhatIsWeighed) {
  Load("not known and over many and header[\"X\"] in words");
  const std::vector<TestInfo> tests = policy_->Tests({0});
  ASSERT_THAT(tests, SizeIs(3));
  EXPECT_EQ(tests[0].text, "client.ip in inside");
  EXPECT_EQ(tests[0].fact, FactId::kClientIp);
  EXPECT_EQ(tests[0].list, ListId{5});
  EXPECT_EQ(tests[1].text, "over many");
  EXPECT_EQ(tests[1].fact, std::nullopt);
  EXPECT_EQ(tests[1].list, std::nullopt);
  EXPECT_EQ(tests[2].fact, FactId::kHeader);
  EXPECT_EQ(tests[2].list, ListId{3});
}

TEST_F(WeighTest, WeighsTheFirstThirtyTwo) {
  std::string condition = "helo == \"h0\"";
  for (int i = 1; i < 40; ++i) {
    absl::StrAppend(&condition, " or helo == \"h", i, "\"");
  }
  Load(condition);
  facts_.SetText(FactId::kHelo, "h31");
  EXPECT_THAT(policy_->Tests({0}), SizeIs(40));
  ASSERT_THAT(Weigh(), SizeIs(Policy::kMaxWeighed));
  EXPECT_EQ(out_[31], kYes);
  EXPECT_EQ(out_[30], kNo);
}

TEST_F(WeighTest, DoesNotAllocateAfterWarmUp) {
  Load(
      "sender.domain in names and client.ip in nets and sender in people and "
      "auth.method in words and helo in shapes");
  size_t before = 0;
  for (int round = 0; round < 20; ++round) {
    if (round == 10) before = ThreadAllocations();
    facts_.SetText(FactId::kSenderDomain, round % 2 ? "example.org" : "x.org");
    facts_.SetText(FactId::kSender, "a@example.org");
    facts_.SetText(FactId::kAuthMethod, round % 3 ? "PLAIN" : "LOGIN");
    facts_.SetText(FactId::kHelo, round % 2 ? "mx.example" : "box");
    facts_.SetAddress(FactId::kClientIp,
                      IpAddress::FromV4(0x0a000000U + uint32_t(round)));
    Weigh();
  }
  EXPECT_EQ(ThreadAllocations(), before);
  EXPECT_THAT(out_, SizeIs(5));
}

}  // namespace
}  // namespace gate::rules
