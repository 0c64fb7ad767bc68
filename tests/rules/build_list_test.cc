#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/compiler.h"

namespace gate::rules {
namespace {

using Kind = ast::Literal::Kind;

ListEntry Entry(Kind kind, std::string_view text, std::string_view flags = "") {
  return {.kind = kind, .text = text, .flags = flags, .range = {}};
}
ListEntry Word(std::string_view text) { return Entry(Kind::kWord, text); }

TEST(BuildList, NormalisesDomains) {
  Diagnostics diagnostics;
  const ListEntry entries[] = {Word(".Example.ORG"), Word("bücher.example")};
  const auto list = BuildList(ListType::kDomains, entries, diagnostics);
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(list->size, 2);
  EXPECT_TRUE(list->domains.Contains("a.example.org"));
  EXPECT_TRUE(list->domains.Contains("xn--bcher-kva.example"));
  EXPECT_FALSE(list->domains.Contains("a.xn--bcher-kva.example"));
}

TEST(BuildList, HoldsNetworks) {
  Diagnostics diagnostics;
  const ListEntry entries[] = {Entry(Kind::kNetwork, "192.0.2.0/24"),
                               Entry(Kind::kWord, "2001:db8::1")};
  const auto list = BuildList(ListType::kNetworks, entries, diagnostics);
  ASSERT_NE(list, nullptr);
  EXPECT_TRUE(list->networks.Contains(*IpAddress::Parse("192.0.2.9")));
  EXPECT_TRUE(list->networks.Contains(*IpAddress::Parse("2001:db8::1")));
  EXPECT_FALSE(list->networks.Contains(*IpAddress::Parse("2001:db8::2")));
}

TEST(BuildList, NormalisesAddresses) {
  Diagnostics diagnostics;
  const ListEntry entries[] = {Entry(Kind::kMailbox, "Bob@Example.ORG"),
                               Entry(Kind::kWord, "alice@example.org"),
                               Entry(Kind::kMailbox, "")};
  const auto list = BuildList(ListType::kAddresses, entries, diagnostics);
  ASSERT_NE(list, nullptr);
  EXPECT_TRUE(list->strings.Contains("bob@example.org"));
  EXPECT_TRUE(list->strings.Contains("alice@example.org"));
  EXPECT_TRUE(list->strings.Contains(""));
}

TEST(BuildList, KeepsStringsAsTheyAre) {
  Diagnostics diagnostics;
  const ListEntry entries[] = {Entry(Kind::kString, "a B"),
                               Entry(Kind::kNumber, "007")};
  const auto list = BuildList(ListType::kStrings, entries, diagnostics);
  ASSERT_NE(list, nullptr);
  EXPECT_TRUE(list->strings.Contains("a B"));
  EXPECT_TRUE(list->strings.Contains("007"));
  EXPECT_FALSE(list->strings.Contains("a b"));
}

TEST(BuildList, CompilesPatterns) {
  Diagnostics diagnostics;
  const ListEntry entries[] = {Entry(Kind::kRegex, "^a+$"),
                               Entry(Kind::kRegex, "b", "i")};
  const auto list = BuildList(ListType::kPatterns, entries, diagnostics);
  ASSERT_NE(list, nullptr);
  EXPECT_TRUE(list->patterns->MatchesAny("aaa"));
  EXPECT_TRUE(list->patterns->MatchesAny("aBa"));
  EXPECT_FALSE(list->patterns->MatchesAny("aca"));
}

TEST(BuildList, EmptyListsOfEveryTypeHoldNothing) {
  Diagnostics diagnostics;
  for (ListType type :
       {ListType::kDomains, ListType::kNetworks, ListType::kAddresses,
        ListType::kStrings, ListType::kPatterns}) {
    const auto list = BuildList(type, {}, diagnostics);
    ASSERT_NE(list, nullptr);
    EXPECT_EQ(list->size, 0);
    EXPECT_EQ(list->type, type);
  }
  EXPECT_FALSE(BuildList(ListType::kPatterns, {}, diagnostics)
                   ->patterns->MatchesAny(""));
}

struct FaultCase {
  const char* name;
  ListType type;
  ListEntry entry;
  DiagnosticId id = DiagnosticId::kBadListEntry;
};

class BuildListFaultTest : public testing::TestWithParam<FaultCase> {};

TEST_P(BuildListFaultTest, RefusesTheListAtTheEntry) {
  Diagnostics diagnostics;
  ListEntry entry = GetParam().entry;
  entry.range = {.file = {}, .begin = 7, .end = 20};
  EXPECT_EQ(BuildList(GetParam().type, {&entry, 1}, diagnostics), nullptr);
  ASSERT_EQ(diagnostics.all().size(), 1);
  EXPECT_EQ(diagnostics.all()[0].id, GetParam().id);
  EXPECT_GE(diagnostics.all()[0].range.begin, 7);
  EXPECT_LE(diagnostics.all()[0].range.end, 20);
}

const FaultCase kFaults[] = {
    {"DomainWithEmptyLabel", ListType::kDomains, Word("a..example")},
    {"AddressAsDomain", ListType::kDomains, Word("192.0.2.1")},
    {"NameAsNetwork", ListType::kNetworks, Word("example.org")},
    {"TooLongPrefix", ListType::kNetworks, Word("192.0.2.0/33")},
    {"HostBits", ListType::kNetworks, Word("192.0.2.1/24"),
     DiagnosticId::kHostBitsSet},
    {"DomainAsAddress", ListType::kAddresses, Word("example.org")},
    {"AddressWithoutDomain", ListType::kAddresses,
     Entry(Kind::kMailbox, "postmaster")},
    {"WordAsPattern", ListType::kPatterns, Word("abc")},
    {"PatternAsString", ListType::kStrings, Entry(Kind::kRegex, "abc")},
    {"BrokenPattern", ListType::kPatterns, Entry(Kind::kRegex, "a(b"),
     DiagnosticId::kBadPattern},
};

INSTANTIATE_TEST_SUITE_P(BuildList, BuildListFaultTest,
                         testing::ValuesIn(kFaults),
                         [](const auto& test) { return test.param.name; });

TEST(BuildList, ReportsEveryFaultyEntryUntilTheDiagnosticsAreFull) {
  Diagnostics diagnostics;
  const std::vector<ListEntry> entries(1000, Word("no network"));
  EXPECT_EQ(BuildList(ListType::kNetworks, entries, diagnostics), nullptr);
  EXPECT_EQ(diagnostics.error_count(), Diagnostics::kMaxErrors);
}

TEST(BuildList, CutsLongEntriesInMessages) {
  Diagnostics diagnostics;
  const std::string line(100'000, 'x');
  const ListEntry entry = Word(line);
  EXPECT_EQ(BuildList(ListType::kNetworks, {&entry, 1}, diagnostics), nullptr);
  EXPECT_LT(diagnostics.all()[0].text.size(), 200);
}

TEST(BuildList, TakesAHundredThousandEntries) {
  std::vector<std::string> names;
  names.reserve(100'000);
  for (int i = 0; i < 100'000; ++i) {
    names.push_back(absl::StrFormat("host%d.example", i));
  }
  std::vector<ListEntry> entries;
  entries.reserve(names.size());
  for (const std::string& name : names) entries.push_back(Word(name));
  Diagnostics diagnostics;
  const auto list = BuildList(ListType::kDomains, entries, diagnostics);
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(list->size, 100'000);
  EXPECT_TRUE(list->domains.Contains("host99999.example"));
}

}  // namespace
}  // namespace gate::rules
