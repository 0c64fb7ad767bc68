#include "policy/journal_folder.h"

#include <zstd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/journal_names.h"

namespace gate::policy {
namespace {

constexpr uint64_t kSegmentBytes = uint64_t{64} << 20;
constexpr int64_t kSegmentUs = int64_t{24} * 3600 * 1'000'000;
// One eighth of all goes at once, when room is needed.
constexpr uint64_t kShares = 8;
// Connections outlive their policy by hours; descriptions are small.
constexpr int64_t kPolicyMarginUs = int64_t{7} * 24 * 3600 * 1'000'000;
constexpr int kPolicyLevel = 9;

}  // namespace

absl::Status JournalFolder::Open() {
  if (absl::Status locked = files_.Lock(bounds_.folder); !locked.ok()) {
    return locked;
  }
  const auto entries = files_.List(bounds_.folder);
  if (!entries.ok()) return entries.status();
  for (const JournalFiles::Entry& entry : *entries) {
    if (!IsSegmentName(entry.name)) continue;
    segments_.push_back({.name = entry.name,
                         .bytes = entry.bytes,
                         .begun_us = 0,
                         .newest_us = entry.modified_us});
    bytes_ += entry.bytes;
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.name < b.name; });
  return absl::OkStatus();
}

bool JournalFolder::IsFull(const Segment& segment, size_t more,
                           int64_t now_us) const {
  const uint64_t most = std::min(kSegmentBytes, bounds_.max_bytes / kShares);
  const int64_t longest =
      std::min(kSegmentUs, bounds_.keep_us / int64_t{kShares});
  return (segment.bytes > 0 && segment.bytes + more > most) ||
         now_us - segment.begun_us > longest;
}

absl::Status JournalFolder::Append(std::string_view block, int64_t now_us) {
  if (!open_ || IsFull(segments_.back(), block.size(), now_us)) {
    open_.reset();
    if (absl::Status begun = Begin(now_us); !begun.ok()) return begun;
  }
  while (segments_.size() > 1 && bytes_ + block.size() > bounds_.max_bytes) {
    if (absl::Status removed = RemoveOldest(); !removed.ok()) return removed;
  }
  absl::Status written = open_->Append(block);
  if (!written.ok()) {
    open_.reset();
    return written;
  }
  segments_.back().bytes += block.size();
  segments_.back().newest_us = now_us;
  bytes_ += block.size();
  return absl::OkStatus();
}

// A clock that went back must not put it before those that are there.
absl::Status JournalFolder::Begin(int64_t now_us) {
  std::string name = SegmentName(now_us);
  if (!segments_.empty() && name <= segments_.back().name) {
    name = SegmentName(SegmentTime(segments_.back().name) + 1);
  }
  auto created = files_.Create(Path(name));
  if (!created.ok()) return created.status();
  open_ = *std::move(created);
  segments_.push_back(
      {.name = name, .bytes = 0, .begun_us = now_us, .newest_us = now_us});
  if (policy_ == 0) return RemoveOld(now_us);
  const absl::Status touched = files_.Touch(Path(PolicyFileName(policy_)));
  return touched.ok() ? RemoveOld(now_us) : touched;
}

absl::Status JournalFolder::RemoveOldest() {
  const Segment& oldest = segments_.front();
  if (absl::Status removed = files_.Remove(Path(oldest.name)); !removed.ok()) {
    return removed;
  }
  bytes_ -= std::min(bytes_, oldest.bytes);
  segments_.pop_front();
  return absl::OkStatus();
}

absl::Status JournalFolder::RemoveOld(int64_t now_us) {
  bool removed_some = false;
  while (!segments_.empty() && !(open_ && segments_.size() == 1) &&
         now_us - segments_.front().newest_us > bounds_.keep_us) {
    if (absl::Status removed = RemoveOldest(); !removed.ok()) return removed;
    removed_some = true;
  }
  return removed_some ? RemoveOldPolicies(now_us) : absl::OkStatus();
}

absl::Status JournalFolder::RemoveOldPolicies(int64_t now_us) {
  const auto entries = files_.List(bounds_.folder);
  if (!entries.ok()) return entries.status();
  const int64_t oldest_us = now_us - bounds_.keep_us - kPolicyMarginUs;
  for (const JournalFiles::Entry& entry : *entries) {
    if (!IsPolicyFileName(entry.name) || entry.modified_us >= oldest_us ||
        entry.name == PolicyFileName(policy_)) {
      continue;
    }
    if (absl::Status removed = files_.Remove(Path(entry.name)); !removed.ok()) {
      return removed;
    }
  }
  return absl::OkStatus();
}

absl::Status JournalFolder::PutPolicy(uint64_t number,
                                      std::string_view description) {
  std::string packed(ZSTD_compressBound(description.size()), '\0');
  const size_t size =
      ZSTD_compress(packed.data(), packed.size(), description.data(),
                    description.size(), kPolicyLevel);
  if (ZSTD_isError(size) != 0) {
    return absl::InternalError(ZSTD_getErrorName(size));
  }
  packed.resize(size);
  policy_ = number;
  return files_.Replace(Path(PolicyFileName(number)), packed);
}

int64_t JournalFolder::oldest_us() const {
  return segments_.empty() ? 0 : SegmentTime(segments_.front().name);
}

std::string JournalFolder::newest() const {
  return segments_.empty() ? "" : Path(segments_.back().name);
}

}  // namespace gate::policy
