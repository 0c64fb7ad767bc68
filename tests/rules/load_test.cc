#include "rules/load.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/rules/map_reader.h"

namespace gate::rules {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kMain[] = "/etc/gate/policy.rules";

LoadResult Load(MapReader& reader, const LoadOptions& options = {}) {
  return LoadPolicy(reader, kMain, options);
}

TEST(Load, MakesAPolicyOfTheSample) {
  MapReader reader;
  reader[kMain] =
      "list our_domains domains { .example.org example.net }\n"
      "at rcpt {\n"
      "  no_relay: reject 554 5.7.1 \"Relaying denied\"\n"
      "    when rcpt.domain not in our_domains\n"
      "}\n";
  const LoadResult result = Load(reader);
  ASSERT_TRUE(result.policy) << result.Render();
  EXPECT_EQ(result.Render(), "");
  ASSERT_EQ(result.policy->rules().size(), 1u);
  EXPECT_EQ(result.policy->rules()[0].label, "no_relay");
  EXPECT_EQ(result.policy->rules()[0].file, kMain);
  EXPECT_EQ(result.policy->rules()[0].line, 3u);
  EXPECT_THAT(result.files, ElementsAre(kMain));
}

TEST(Load, SaysWhyTheMainFileCannotBeRead) {
  MapReader reader;
  const LoadResult result = Load(reader);
  EXPECT_FALSE(result.policy);
  EXPECT_THAT(result.Render(),
              HasSubstr("cannot read `/etc/gate/policy.rules`: No such file"));
}

TEST(Load, IncludesInByteOrderBesideTheIncludingFile) {
  MapReader reader;
  reader[kMain] = "include \"conf.d/*.rules\"\nat rcpt { last: log \"x\" }";
  reader["/etc/gate/conf.d/a.rules"] = "at rcpt { second: log \"x\" }";
  reader["/etc/gate/conf.d/B.rules"] = "include \"sub/c.inc\"";
  reader["/etc/gate/conf.d/sub/c.inc"] = "at rcpt { first: log \"x\" }";
  reader["/etc/gate/conf.d/ignored.txt"] = "faulty";
  const LoadResult result = Load(reader);
  ASSERT_TRUE(result.policy) << result.Render();
  std::vector<std::string> labels;
  for (const Rule& rule : result.policy->rules()) labels.push_back(rule.label);
  EXPECT_THAT(labels, ElementsAre("first", "second", "last"));
  EXPECT_THAT(result.files, ElementsAre(kMain, "/etc/gate/conf.d/B.rules",
                                        "/etc/gate/conf.d/sub/c.inc",
                                        "/etc/gate/conf.d/a.rules"));
}

TEST(Load, FindsACycleUnderAnotherSpelling) {
  MapReader reader;
  reader["policy.rules"] = "include \"./sub/../policy.rules\"";
  const LoadResult result = LoadPolicy(reader, "./policy.rules");
  EXPECT_FALSE(result.policy);
  reader["./policy.rules"] = reader["policy.rules"];
  const LoadResult cycle = LoadPolicy(reader, "./policy.rules");
  ASSERT_EQ(cycle.diagnostics.all().size(), 1u) << cycle.Render();
  EXPECT_EQ(cycle.diagnostics.all()[0].id, DiagnosticId::kIncludeCycle);
}

TEST(Load, BoundsTheNumberOfFiles) {
  MapReader reader;
  reader[kMain] = "include \"x/*.inc\"";
  for (int i = 0; i < 1100; ++i) {
    reader["/etc/gate/x/" + std::to_string(i) + ".inc"] = "# nothing\n";
  }
  const LoadResult result = Load(reader);
  EXPECT_FALSE(result.policy);
  EXPECT_EQ(result.diagnostics.all()[0].id, DiagnosticId::kIncludeTooDeep);
  EXPECT_LE(result.diagnostics.all().size(), Diagnostics::kMaxErrors);
}

TEST(Load, OverridesReplaceTheFilesSettings) {
  MapReader reader;
  reader[kMain] =
      "set socket \"unix:/run/a\" mode 660\n"
      "set socket \"unix:/run/c\"\nset door native\nset log debug\n"
      "at rcpt { a: log \"x\" }";
  const LoadResult result =
      Load(reader, {.overrides = {"socket \"inet:8891@127.0.0.1\"",
                                  "socket \"unix:/run/b\"", "mode shadow"}});
  ASSERT_TRUE(result.policy) << result.Render();
  const Settings& settings = result.policy->settings();
  EXPECT_THAT(
      settings.sockets,
      ElementsAre(SocketSetting{
          .address = "unix:/run/b", .mode = std::nullopt, .group = ""}));
  EXPECT_EQ(settings.log, "debug");
  EXPECT_TRUE(settings.shadow);
}

TEST(Load, FaultsOfOverridesNameThem) {
  MapReader reader;
  reader[kMain] = "at rcpt { a: log \"x\" }";
  const LoadResult unknown =
      Load(reader, {.overrides = {"log debug", "sokket \"unix:/x\""}});
  EXPECT_FALSE(unknown.policy);
  EXPECT_THAT(unknown.Render(), HasSubstr("--set 2:1:1: error: unknown "
                                          "setting `sokket`"));
  const LoadResult more =
      Load(reader, {.overrides = {"log debug at rcpt { b: reject \"No\" }"}});
  EXPECT_FALSE(more.policy);
  EXPECT_THAT(more.Render(),
              AllOf(HasSubstr("--set 1:1:11: error: "),
                    HasSubstr("expected the end of the setting")));
}

TEST(Load, ShadowMakesAllRulesShadow) {
  MapReader reader;
  reader[kMain] = "at rcpt { a: reject \"No\" }";
  const LoadResult result = Load(reader, {.shadow = true});
  ASSERT_TRUE(result.policy) << result.Render();
  EXPECT_TRUE(result.policy->rules()[0].shadow);
}

TEST(Load, HashesEveryTextThatCounts) {
  MapReader reader;
  reader[kMain] =
      "list a domains from \"a.domains\"\n"
      "at rcpt { r: reject \"No\" when helo in a }";
  reader["/etc/gate/a.domains"] = "example.org\n";
  const std::string hash = Load(reader).policy->hash();
  EXPECT_EQ(hash.size(), 16u);
  EXPECT_EQ(Load(reader).policy->hash(), hash);
  reader["/etc/gate/a.domains"] = "example.net\n";
  EXPECT_NE(Load(reader).policy->hash(), hash);
  const std::string debug =
      Load(reader, {.overrides = {"log debug"}}).policy->hash();
  EXPECT_NE(debug, hash);
  EXPECT_NE(Load(reader, {.overrides = {"log info"}}).policy->hash(), debug);
}

// Its rules are others, for those who read its decisions later.
TEST(Load, HashTellsWhetherAllRulesAreShadow) {
  MapReader reader;
  reader[kMain] = "at rcpt { a: reject \"No\" }";
  const std::string hash = Load(reader).policy->hash();
  const std::string shadow = Load(reader, {.shadow = true}).policy->hash();
  EXPECT_NE(shadow, hash);
  EXPECT_EQ(Load(reader, {.shadow = true}).policy->hash(), shadow);
  EXPECT_EQ(Load(reader, {.shadow = true, .live = true}).policy->hash(), hash);
}

constexpr char kLists[] =
    "list nets networks from \"lists/nets\"\n"
    "list names domains from \"/srv/names\"\n"
    "list people addresses from \"lists/people\"\n"
    "list words strings from \"lists/words\"\n"
    "list odd patterns from \"lists/odd\"\n"
    "list inner domains { inner.example }\n"
    "at rcpt {\n"
    "  r: reject \"No\" when client.ip in nets or helo in names\n"
    "    or sender in people or auth.user in words or helo in odd\n"
    "    or helo in inner\n"
    "}\n";

MapReader ReaderWithLists() {
  return MapReader(
      {{kMain, kLists},
       {"/etc/gate/lists/nets",
        "\xef\xbb\xbf# office\r\n192.0.2.0/24\r\n"
        "2001:db8::/32   # IPv6\r\n\r\n"},
       {"/srv/names",
        "  .example.org\t\n#example.com\nb\xc3\xbc"
        "cher.example"},
       {"/etc/gate/lists/people", "a@example.org\n<b@example.org>"},
       {"/etc/gate/lists/words", "a b\nc#d\n"},
       {"/etc/gate/lists/odd", "/^dyn #[0-9]/i  # dial-up / DSL\n/a\\/b/\n"}});
}

TEST(Load, ReadsListsOfEachType) {
  MapReader reader = ReaderWithLists();
  const LoadResult result = Load(reader);
  ASSERT_TRUE(result.policy) << result.Render();
  const ListTable& lists = *result.policy->list_contents();
  ASSERT_EQ(lists.size(), 6u);
  EXPECT_EQ(lists.list({0}).size, 2u);
  EXPECT_TRUE(
      lists.list({0}).networks.Contains(*IpAddress::Parse("192.0.2.9")));
  EXPECT_TRUE(
      lists.list({0}).networks.Contains(*IpAddress::Parse("2001:db8::1")));
  EXPECT_EQ(lists.list({1}).size, 2u);
  EXPECT_TRUE(lists.list({1}).domains.Contains("mx.example.org"));
  EXPECT_TRUE(lists.list({1}).domains.Contains("xn--bcher-kva.example"));
  EXPECT_FALSE(lists.list({1}).domains.Contains("example.com"));
  EXPECT_TRUE(lists.list({2}).strings.Contains("a@example.org"));
  EXPECT_TRUE(lists.list({2}).strings.Contains("b@example.org"));
  EXPECT_TRUE(lists.list({3}).strings.Contains("a b"));
  EXPECT_TRUE(lists.list({3}).strings.Contains("c#d"));
  EXPECT_TRUE(lists.list({4}).patterns->MatchesAny("DYN #7"));
  EXPECT_TRUE(lists.list({4}).patterns->MatchesAny("a/b"));
  EXPECT_EQ(result.policy->lists()[0].file, "/etc/gate/lists/nets");
  EXPECT_EQ(result.policy->lists()[1].file, "/srv/names");
  EXPECT_EQ(result.policy->lists()[5].file, "");
}

TEST(Load, RefusesAPolicyWithABrokenListAndShowsTwentyFaults) {
  MapReader reader = ReaderWithLists();
  std::string& names = reader["/srv/names"];
  names.clear();
  for (int i = 0; i < 1000; ++i) names += "not a domain\n";
  const LoadResult result = Load(reader);
  EXPECT_FALSE(result.policy);
  EXPECT_EQ(result.diagnostics.all().size(), 20u);
  EXPECT_THAT(result.Render(), HasSubstr("/srv/names:20:1: error:"));
}

TEST(Load, RefusesAListThatIsNoText) {
  MapReader reader = ReaderWithLists();
  reader["/etc/gate/lists/words"] =
      "fine\nb\xfc"
      "cher\n";
  const LoadResult result = Load(reader);
  EXPECT_FALSE(result.policy);
  EXPECT_THAT(result.Render(), HasSubstr("lists/words:2:2: error: byte 0xfc"));
}

TEST(Load, ReportsFaultsOfRulesAndListsTogether) {
  MapReader reader = ReaderWithLists();
  reader[kMain] += "at helo { x: reject \"No\" when auth.user }";
  reader["/srv/names"] = "@";
  const LoadResult result = Load(reader);
  EXPECT_EQ(result.diagnostics.error_count(), 2u) << result.Render();
}

TEST(Load, HoldsALargeList) {
  constexpr size_t kLines = 100'000;
  MapReader reader = ReaderWithLists();
  std::string& names = reader["/srv/names"];
  names.clear();
  for (size_t i = 0; i < kLines; ++i) {
    names += "host" + std::to_string(i) + ".example.org\n";
  }
  const LoadResult result = Load(reader);
  ASSERT_TRUE(result.policy) << result.Render();
  EXPECT_EQ(result.policy->list_contents()->list({1}).size, kLines);
}

TEST(ReloadLists, SharesWhatHasNotChanged) {
  MapReader reader = ReaderWithLists();
  const LoadResult loaded = Load(reader);
  ASSERT_TRUE(loaded.policy) << loaded.Render();
  const ListTable& old = *loaded.policy->list_contents();
  reader["/srv/names"] = "new.example\n";
  const ListsResult result = ReloadLists(reader, *loaded.policy, old);
  ASSERT_TRUE(result.lists) << result.diagnostics.Render(*result.sources);
  EXPECT_EQ(result.lists->shared({0}), old.shared({0}));
  EXPECT_EQ(result.lists->shared({5}), old.shared({5}));
  EXPECT_NE(result.lists->shared({1}), old.shared({1}));
  EXPECT_TRUE(result.lists->list({1}).domains.Contains("new.example"));

  const ListsResult again = ReloadLists(reader, *loaded.policy, *result.lists);
  ASSERT_TRUE(again.lists);
  EXPECT_EQ(again.lists->shared({1}), result.lists->shared({1}));
}

TEST(ReloadLists, KeepsTheOldOnesWhenOneIsFaulty) {
  MapReader reader = ReaderWithLists();
  const LoadResult loaded = Load(reader);
  ASSERT_TRUE(loaded.policy) << loaded.Render();
  reader["/srv/names"] = "fine.example\nnot a domain\n";
  const ListsResult result =
      ReloadLists(reader, *loaded.policy, *loaded.policy->list_contents());
  EXPECT_FALSE(result.lists);
  EXPECT_THAT(result.diagnostics.Render(*result.sources),
              HasSubstr("/srv/names:2:1: error:"));
}

TEST(ReloadLists, NamesTheListWhoseFileIsGone) {
  MapReader reader = ReaderWithLists();
  const LoadResult loaded = Load(reader);
  ASSERT_TRUE(loaded.policy) << loaded.Render();
  MapReader empty;
  const ListsResult result =
      ReloadLists(empty, *loaded.policy, *loaded.policy->list_contents());
  EXPECT_FALSE(result.lists);
  EXPECT_THAT(result.diagnostics.Render(*result.sources),
              HasSubstr("cannot read `/etc/gate/lists/nets` of list `nets`"));
}

TEST(ParseSession, ChecksStepsWithoutAPolicy) {
  const SessionResult sound = ParseSession(
      "stdin", "client 192.0.2.1\nmail <a@b.example>\nrcpt <c@d.example>\n");
  EXPECT_FALSE(sound.diagnostics.has_errors());
  EXPECT_EQ(sound.session.steps.size(), 3u);

  const SessionResult faulty = ParseSession("stdin", "rcpt <c@d.example>\n");
  EXPECT_THAT(faulty.diagnostics.Render(*faulty.sources),
              HasSubstr("stdin:1:1: error: `rcpt` without `mail`"));
}

class DiskReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("disk_reader_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const {
    return (folder_ / name).string();
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
  }

  std::filesystem::path folder_;
  DiskReader reader_;
};

TEST_F(DiskReaderTest, ReadsWholeFiles) {
  const std::string text(100'000, 'x');
  Write("a", text);
  EXPECT_EQ(*reader_.Read(Path("a")), text);
  Write("empty", "");
  EXPECT_EQ(*reader_.Read(Path("empty")), "");
}

TEST_F(DiskReaderTest, ReadsFilesWhoseSizeTheSystemDoesNotTell) {
  const auto text = reader_.Read("/proc/self/status");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(*text, HasSubstr("Pid:"));
}

TEST_F(DiskReaderTest, SaysWhatIsNoFile) {
  EXPECT_EQ(reader_.Read(Path("none")).status().message(),
            "No such file or directory");
  EXPECT_EQ(reader_.Read(folder_.string()).status().message(),
            "Is a directory");
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(reader_.Read(Path("fifo")).status().message(),
            "Not a regular file");
  std::filesystem::resize_file((Write("big", ""), folder_ / "big"),
                               FileReader::kMaxFileBytes + 1);
  EXPECT_EQ(reader_.Read(Path("big")).status().message(), "File too large");
}

TEST_F(DiskReaderTest, GlobsInByteOrder) {
  for (const char* name : {"b.rules", "B.rules", "a.rules", ".h.rules", "x"}) {
    Write(name, "");
  }
  EXPECT_THAT(reader_.Glob(Path("*.rules")),
              ElementsAre(Path("B.rules"), Path("a.rules"), Path("b.rules")));
  EXPECT_THAT(reader_.Glob(Path("none")), ElementsAre(Path("none")));
  EXPECT_THAT(reader_.Glob(Path("none*")), ElementsAre());
}

TEST(FileReader, NamesFilesBesideTheNamingOne) {
  EXPECT_EQ(PathBeside("/etc/gate/a.rules", "b"), "/etc/gate/b");
  EXPECT_EQ(PathBeside("/etc/gate/a.rules", "../b"), "/etc/b");
  EXPECT_EQ(PathBeside("/etc/gate/a.rules", "/srv/b"), "/srv/b");
  EXPECT_EQ(PathBeside("a.rules", "b"), "b");
}

}  // namespace
}  // namespace gate::rules
