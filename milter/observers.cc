#include "milter/observers.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "milter/decision_json.h"
#include "milter/missing_macro.h"
#include "milter/now_says.h"
#include "milter/why.h"

namespace gate::milter {
namespace {

// Others wait for a search of the page.
constexpr std::chrono::seconds kSearchPatience{20};
constexpr absl::Duration kFlushPatience = absl::Seconds(1);

}  // namespace

Observers::Observers(const rules::Settings& settings,
                     const ObserverContext& context)
    : context_(context),
      lines_(context.log, context.statistics),
      top_lists_(context.top_lists) {
  if (settings.journal) status_ = OpenJournal(*settings.journal);
  std::vector<policy::DecisionSink*> sinks = {&lines_, &latest_, &top_lists_};
  if (journal_sink_) sinks.push_back(journal_sink_.get());
  recorder_ = std::make_unique<policy::Recorder>(
      context_.statistics,
      [this](const policy::EventLog::MissingMacro& missing) {
        context_.log.Warning(DescribeMissingMacro(missing));
      },
      std::move(sinks));
}

Observers::~Observers() = default;

absl::Status Observers::OpenJournal(const rules::JournalSetting& setting) {
  auto opened =
      policy::JournalWriter::Open({.bounds = {.folder = setting.folder,
                                              .keep_us = setting.keep_us,
                                              .max_bytes = setting.max_bytes}},
                                  files_, context_.clock, *this);
  if (!opened.ok()) return opened.status();
  journal_ = *std::move(opened);
  reader_ = std::make_unique<policy::JournalReader>(setting.folder);
  journal_sink_ =
      std::make_unique<policy::JournalSink>(*journal_, context_.statistics);
  const policy::JournalFound& found = journal_->found();
  if (found.cut_blocks + found.damaged_blocks > 0) {
    context_.log.Warning(absl::StrFormat(
        "journal %s: its last segment was not ended properly: %d cut and %d "
        "damaged blocks are passed over",
        setting.folder, found.cut_blocks, found.damaged_blocks));
  }
  return absl::OkStatus();
}

uint64_t Observers::last_reference() const {
  return journal_ ? journal_->found().last_reference : 0;
}

std::optional<policy::JournalGauges> Observers::journal() const {
  if (!journal_) return std::nullopt;
  return journal_->Gauges();
}

void Observers::Flush(absl::Duration patience) {
  const absl::Time until = absl::Now() + patience;
  recorder_->Flush(patience);
  if (journal_) journal_->Flush(until - absl::Now());
}

std::string Observers::DecisionsJson(uint64_t after, size_t newest) const {
  return milter::DecisionsJson(
      newest > 0 ? latest_.Newest(std::min(newest, kMostShown))
                 : latest_.After(after, kMostShown));
}

std::string Observers::WhyJson(const std::string& text,
                               std::shared_ptr<const rules::Policy> policy,
                               const std::atomic<bool>& stop) const {
  auto query = ParseWhyQuery(text);
  if (!query.ok()) return WhyErrorJson(text, query.status());
  query->patience = kSearchPatience;
  query->stop = &stop;
  const absl::StatusOr<WhyFound> found = Find(*query);
  if (!found.ok()) return WhyErrorJson(text, found.status());
  return milter::WhyJson(*query, *found, MakeNowSays(std::move(policy)));
}

// What is seen as it happens is asked about at once, before its block is
// written, and all the more when the disk is ill.
absl::StatusOr<WhyFound> Observers::Find(const WhyQuery& query) const {
  if (!reader_) return FindDecisions(query, latest_);
  journal_->Flush(kFlushPatience);
  absl::StatusOr<WhyFound> kept = FindDecisions(query, *reader_);
  if (kept.ok() && !kept->decisions.empty()) return kept;
  WhyFound latest = FindDecisions(query, latest_);
  if (latest.decisions.empty()) return kept;
  return latest;
}

void Observers::JournalFailed(const std::string& why) noexcept {
  context_.log.Error("journal: " + why +
                     "; decisions are not kept until this is mended");
}

void Observers::JournalRecovered(uint64_t dropped) noexcept {
  context_.log.Warning(absl::StrFormat(
      "journal: decisions are kept again; %d were not", dropped));
}

void Observers::JournalLeftOver(const std::string& why) noexcept {
  context_.log.Error("journal: what must go cannot be removed: " + why);
}

}  // namespace gate::milter
