#include "policy/journal_folder.h"

#include <zstd.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/journal_block.h"
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

// What a clock ahead of ours wrote counts as written now: it must go one day.
absl::Status JournalFolder::Open(int64_t now_us) {
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
                         .newest_us = std::min(entry.modified_us, now_us)});
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

absl::Status JournalFolder::MakeReady(size_t block_bytes, int64_t now_us) {
  // The clock may have gone back.
  if (open_)
    segments_.back().begun_us = std::min(segments_.back().begun_us, now_us);
  if (!open_ || IsFull(segments_.back(), block_bytes, now_us)) {
    open_.reset();
    if (absl::Status begun = Begin(now_us); !begun.ok()) return begun;
  }
  return MakeRoom(block_bytes);
}

// Passes over what cannot be removed. Beyond its bytes nothing is written.
absl::Status JournalFolder::MakeRoom(size_t block_bytes) {
  const auto is_full = [&] {
    return segments_.size() > 1 && bytes_ + block_bytes > bounds_.max_bytes;
  };
  if (!is_full()) return absl::OkStatus();
  absl::Status failed;
  for (size_t i = 0; is_full() && i + 1 < segments_.size();) {
    const absl::Status removed = Remove(i);
    if (!removed.ok()) ++i;
    failed.Update(removed);
  }
  in_the_way_ = failed;
  return is_full() ? failed : absl::OkStatus();
}

// A disk that stays full must not end up with a file for each try.
void JournalFolder::Abandon() {
  open_.reset();
  const Segment& last = segments_.back();
  if (last.bytes > 0 || !files_.Remove(Path(last.name)).ok()) return;
  segments_.pop_back();
}

absl::Status JournalFolder::Append(std::string_view block, int64_t now_us) {
  if (absl::Status ready = MakeReady(block.size(), now_us); !ready.ok()) {
    if (open_) Abandon();
    return ready;
  }
  absl::Status written = open_->Append(block);
  if (absl::IsNotFound(written)) {
    open_.reset();
    bytes_ -= std::min(bytes_, segments_.back().bytes);
    segments_.pop_back();
    written = Begin(now_us);
    if (written.ok()) written = open_->Append(block);
  }
  if (!written.ok()) {
    if (open_) Abandon();
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
  if (absl::Status touched = TouchPolicy(); !touched.ok()) return touched;
  RemoveOld(now_us);
  return absl::OkStatus();
}

absl::Status JournalFolder::TouchPolicy() {
  if (policy_ == 0) return absl::OkStatus();
  const std::string path = Path(PolicyFileName(policy_));
  if (files_.Touch(path).ok()) return absl::OkStatus();
  return files_.Replace(path, packed_policy_);  // somebody has removed it
}

absl::Status JournalFolder::Remove(size_t index) {
  const Segment& segment = segments_[index];
  if (absl::Status removed = files_.Remove(Path(segment.name)); !removed.ok()) {
    return removed;
  }
  bytes_ -= std::min(bytes_, segment.bytes);
  segments_.erase(segments_.begin() + static_cast<ptrdiff_t>(index));
  return absl::OkStatus();
}

void JournalFolder::RemoveOld(int64_t now_us) {
  too_old_ = RemoveOldSegments(now_us);
  too_old_.Update(RemoveOldPolicies(now_us));
}

absl::Status JournalFolder::RemoveOldSegments(int64_t now_us) {
  // The clock may have gone back.
  for (Segment& segment : segments_) {
    segment.newest_us = std::min(segment.newest_us, now_us);
  }
  absl::Status failed;
  for (size_t i = 0; i + (open_ ? 1 : 0) < segments_.size() &&
                     now_us - segments_[i].newest_us > bounds_.keep_us;) {
    const absl::Status removed = Remove(i);
    if (!removed.ok()) ++i;
    failed.Update(removed);
  }
  return failed;
}

absl::Status JournalFolder::RemoveOldPolicies(int64_t now_us) {
  const auto entries = files_.List(bounds_.folder);
  if (!entries.ok()) return entries.status();
  const int64_t oldest_us = now_us - bounds_.keep_us - kPolicyMarginUs;
  absl::Status failed;
  for (const JournalFiles::Entry& entry : *entries) {
    if (!IsPolicyFileName(entry.name) || entry.modified_us >= oldest_us ||
        entry.name == PolicyFileName(policy_)) {
      continue;
    }
    failed.Update(files_.Remove(Path(entry.name)));
  }
  return failed;
}

// The size of what Append would write: little fits where that does not.
absl::Status JournalFolder::Try() {
  const std::string path = Path("trial");
  absl::Status status = files_.Replace(path, std::string(kBlockBytes, 'x'));
  if (status.ok()) status = files_.Remove(path);
  return status;
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
  packed_policy_ = std::move(packed);
  return files_.Replace(Path(PolicyFileName(number)), packed_policy_);
}

int64_t JournalFolder::oldest_us() const {
  return segments_.empty() ? 0 : SegmentTime(segments_.front().name);
}

std::vector<std::string> JournalFolder::NewestFirst() const {
  std::vector<std::string> paths;
  for (auto segment = segments_.rbegin(); segment != segments_.rend();
       ++segment) {
    paths.push_back(Path(segment->name));
  }
  return paths;
}

}  // namespace gate::policy
