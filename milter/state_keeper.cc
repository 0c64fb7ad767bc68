#include "milter/state_keeper.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gate::milter {

StateKeeper::StateKeeper(std::string folder, policy::JournalFiles& files,
                         const StateContext& context)
    : folder_(std::move(folder)),
      context_(context),
      file_(folder_, files),
      saved_us_(context.clock.Read().wall_us) {}

StateKeeper::~StateKeeper() {
  if (!ticker_) return;
  ticker_.reset();
  Save();
}

void StateKeeper::Start(absl::Duration period) {
  Restore();
  // Time goes on before the first save.
  context_.statistics.Roll(context_.clock.Read().wall_us);
  ticker_.emplace(period, [this] { Save(); });
}

void StateKeeper::Restore() {
  const absl::MutexLock lock(&save_mutex_);
  absl::StatusOr<policy::SavedState> saved = file_.Read();
  if (absl::IsNotFound(saved.status())) return;
  if (!saved.ok()) {
    context_.log.Error(absl::StrCat("state: ", saved.status().message(),
                                    "; all counters begin at 0"));
    return;
  }
  context_.statistics.Restore(saved->statistics);
  context_.top_lists.Restore(std::move(saved->top));
  const absl::MutexLock report_lock(&mutex_);
  saved_us_ = saved->saved_us;
}

void StateKeeper::Save() {
  const absl::MutexLock lock(&save_mutex_);
  absl::Status status =
      file_.Save({.saved_us = context_.clock.Read().wall_us,
                  .statistics = context_.statistics.Snapshot(
                      /*series=*/std::numeric_limits<size_t>::max()),
                  .top = context_.top_lists.Save()});
  Note(status);
}

// Told once for each change.
void StateKeeper::Note(const absl::Status& status) {
  bool failed = false;
  bool recovered = false;
  {
    const absl::MutexLock lock(&mutex_);
    failed = !status.ok() && fault_.empty();
    recovered = status.ok() && !fault_.empty();
    fault_ = std::string(status.message());
    if (status.ok()) saved_us_ = context_.clock.Read().wall_us;
  }
  if (failed) {
    context_.log.Error(
        absl::StrCat("state: ", status.message(),
                     "; statistics are not saved until this is mended"));
  }
  if (recovered) context_.log.Warning("state: statistics are saved again");
}

StateReport StateKeeper::Report() const {
  const int64_t now_us = context_.clock.Read().wall_us;
  const absl::MutexLock lock(&mutex_);
  const int64_t age_us = std::max<int64_t>(0, now_us - saved_us_);
  return {.folder = folder_,
          .fault = fault_,
          .age_seconds = static_cast<uint64_t>(age_us) / 1'000'000};
}

}  // namespace gate::milter
