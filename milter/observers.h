// All who see decisions, behind one recorder: the log's lines, the latest ones
// for `tail` and the page, top lists, and the journal.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "milter/decision_lines.h"
#include "milter/log.h"
#include "milter/why.h"
#include "policy/clock.h"
#include "policy/journal_files.h"
#include "policy/journal_reader.h"
#include "policy/journal_sink.h"
#include "policy/journal_writer.h"
#include "policy/latest_decisions.h"
#include "policy/recorder.h"
#include "policy/statistics.h"
#include "policy/top_list_sink.h"
#include "policy/top_lists.h"
#include "rules/policy.h"

namespace gate::milter {

// What it tells; outlives it.
struct ObserverContext {
  const policy::Clock& clock;
  policy::Statistics& statistics;
  policy::TopLists& top_lists;
  Log& log;
};

// Thread-safe.
class Observers : private policy::JournalObserver {
 public:
  // Requires: privileges are dropped.
  Observers(const rules::Settings& settings, const ObserverContext& context);
  // Writes what is queued.
  ~Observers() override;
  Observers(const Observers&) = delete;
  Observers& operator=(const Observers&) = delete;

  // An error: the journal's folder cannot be used.
  const absl::Status& status() const { return status_; }
  policy::EventLog& events() { return *recorder_; }
  // The highest reference in the journal; 0: none.
  uint64_t last_reference() const;
  // Nothing: no journal is kept.
  std::optional<policy::JournalGauges> journal() const;

  // Hands over and writes what was decided before, as far as that goes within
  // `patience`.
  void Flush(absl::Duration patience);

  // milter/decision_json.h. `newest`: so many of the newest; 0: those after
  // `after`.
  std::string DecisionsJson(uint64_t after, size_t newest) const;
  // What the journal says of a reference, a queue id, an address or a network,
  // or `latest_` where it knows nothing or none is kept; and what `policy` says
  // now. May take seconds. A query that is none, or a journal that cannot be
  // read, is told as the member `error`. A search of 20 s, or one that `stop`
  // ends, tells what it has found until then, with the member `ended_after_s`.
  std::string WhyJson(const std::string& query,
                      std::shared_ptr<const rules::Policy> policy,
                      const std::atomic<bool>& stop) const;

 private:
  absl::StatusOr<WhyFound> Find(const WhyQuery& query) const;
  absl::Status OpenJournal(const rules::JournalSetting& setting);
  void JournalFailed(const std::string& why) noexcept override;
  void JournalRecovered(uint64_t dropped) noexcept override;
  void JournalLeftOver(const std::string& why) noexcept override;

  const ObserverContext context_;
  absl::Status status_;
  policy::DiskJournalFiles files_;
  std::unique_ptr<policy::JournalWriter> journal_;
  std::unique_ptr<policy::JournalReader> reader_;
  DecisionLines lines_;
  policy::LatestDecisions latest_;
  policy::TopListSink top_lists_;
  std::unique_ptr<policy::JournalSink> journal_sink_;
  // Goes first.
  std::unique_ptr<policy::Recorder> recorder_;
};

}  // namespace gate::milter
