#include "policy/top_list_sink.h"

#include <gmock/gmock.h>

#include "policy/memory_store.h"
#include "tests/policy/engine_fixture.h"

namespace gate::policy {
namespace {

using ::testing::ElementsAre;

TEST(TopListSink, CountsRealRefusalsOnceByWhoMetThem) {
  SystemClock clock;
  Statistics statistics;
  TopLists lists;
  TopListSink sink(lists);
  {
    Recorder recorder(statistics, {}, {&sink});
    References references(0);
    Engine engine(clock, statistics, recorder, references);
    engine.Install(PolicyOf(R"(
    at helo { kept: reject 550 5.7.1 "no" when helo == "bad.example" }
    at rcpt {
      shadow would: reject 550 5.7.1 "no"
      tag: log "here"
      no_relay: reject 554 5.7.1 "no" when rcpt.domain == "b.example"
    })",
                            {}));
    MemoryStore store;
    FakeMta mta(engine, store);
    mta.Open();
    mta.Connect("2001:db8:1:2:3::4");
    mta.Helo("bad.example");
    mta.Mail("<a@one.example>");  // twice the kept verdict, again
    mta.Mail("<a@one.example>");
    mta.Helo("h.example");
    mta.Mail("<a@two.example>");
    mta.Rcpt("<x@a.example>");
    mta.Rcpt("<x@b.example>");
    mta.Rcpt("<y@b.example>");
  }
  const auto top = [&](TopKind kind) {
    std::vector<std::string> shown;
    const int64_t now = clock.Read().wall_us;
    for (const auto& key : lists.Top(kind, TopPeriod::kHour, 10, now).keys) {
      shown.push_back(key.key + " " + std::to_string(key.count));
    }
    return shown;
  };
  EXPECT_THAT(top(TopKind::kClient), ElementsAre("2001:db8:1:2::/64 3"));
  EXPECT_THAT(top(TopKind::kSender), ElementsAre("two.example 2"));
  EXPECT_THAT(top(TopKind::kRcpt), ElementsAre("b.example 2"));
  EXPECT_THAT(top(TopKind::kUser), ElementsAre());
  EXPECT_THAT(top(TopKind::kRule), ElementsAre("no_relay 2", "kept 1"));
}

}  // namespace
}  // namespace gate::policy
