#include "milter/why.h"

#include <cstdio>

#include "absl/strings/str_format.h"
#include "milter/commands/commands.h"
#include "milter/commands/output.h"
#include "milter/decision_json.h"
#include "milter/now_says.h"
#include "milter/policy_sockets.h"
#include "milter/story.h"
#include "policy/clock.h"
#include "rules/load.h"

namespace gate::milter::commands {
namespace {

// What the policy file says now; empty: it has faults, which are printed.
NowSays LoadNowSays(const std::string& file) {
  rules::DiskReader reader;
  const rules::LoadResult loaded = rules::LoadPolicy(reader, file);
  if (loaded.policy != nullptr) return MakeNowSays(loaded.policy);
  PrintReport(stderr, loaded.Render());
  return {};
}

// Empty: there is none, which is printed.
std::string FindFolder(const WhyOptions& options) {
  if (!options.journal.empty()) return options.journal;
  rules::DiskReader reader;
  std::string folder = FindJournalFolder(reader, options.policy_file);
  if (folder.empty()) {
    absl::FPrintF(stderr,
                  "gatemilter: %s keeps no journal; `set journal "
                  "\"/var/log/gatemilter\"` does\n",
                  options.policy_file);
  }
  return folder;
}

absl::StatusOr<WhyQuery> ReadQuery(const WhyOptions& options) {
  absl::StatusOr<WhyQuery> query = WhyQuery{};
  if (options.last > 0) {
    query->text = "--last";
    query->latest = true;
    query->most = options.last;
  } else {
    query = ParseWhyQuery(options.query);
    if (!query.ok()) return query;
    query->most = options.most;
  }
  if (options.hours > 0) {
    constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;
    query->since_us =
        policy::SystemClock().Read().wall_us - options.hours * kHourUs;
  }
  return query;
}

void PrintStories(const WhyFound& found, const NowSays& now_says) {
  policy::DecisionRecord record;
  const char* between = "";
  for (const policy::KeptDecision& kept : found.decisions) {
    if (!record.Parse(kept.bytes)) continue;
    const policy::PolicyDescription* words = kept.policy.get();
    const std::string now = now_says ? now_says(record, words) : std::string();
    absl::PrintF("%s%s", between, TellStory(record, words, now));
    between = "\n";
  }
}

}  // namespace

int RunWhy(const WhyOptions& options) {
  const absl::StatusOr<WhyQuery> query = ReadQuery(options);
  if (!query.ok()) {
    PrintError(query.status());
    return kUsage;
  }
  const std::string folder = FindFolder(options);
  if (folder.empty()) return kFindings;
  const NowSays now_says =
      options.now ? LoadNowSays(options.policy_file) : NowSays();
  if (options.now && !now_says) return kFindings;
  const auto found = FindDecisions(*query, policy::JournalReader(folder));
  if (!found.ok()) {
    PrintError(found.status());
    return kFindings;
  }
  if (options.json) {
    std::puts(WhyJson(*query, *found, now_says).c_str());
  } else {
    PrintStories(*found, now_says);
  }
  if (found->damaged_blocks > 0) {
    absl::FPrintF(stderr, "gatemilter: %s of the journal could not be read\n",
                  Count(found->damaged_blocks, "damaged block"));
  }
  if (found->more && !query->latest && !options.json) {
    std::puts("\nThere are more, older ones: --most shows them.");
  }
  if (!found->decisions.empty()) return kOk;
  absl::FPrintF(stderr, "gatemilter: the journal %s knows nothing of it\n",
                folder);
  return kFindings;
}

}  // namespace gate::milter::commands
