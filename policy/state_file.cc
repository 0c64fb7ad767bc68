#include "policy/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "policy/statistics_record.h"
#include "state.pb.h"

namespace gate::policy {
namespace {

// Another format is another line.
constexpr std::string_view kMagic = "gatemilter state 1\n";
constexpr size_t kChecksumSize = 9;  // eight digits, a line's end
// More is no file of ours: a rule takes some hundred bytes.
constexpr off_t kMaxBytes = off_t{512} << 20;

std::string Checksum(std::string_view bytes) {
  return absl::StrFormat("%08x\n",
                         crc32(0, reinterpret_cast<const Bytef*>(bytes.data()),
                               static_cast<uInt>(bytes.size())));
}

void Encode(const SavedTopSlice& slice, v1::TopSlice& out) {
  out.set_period(std::string(TopPeriodName(slice.period)));
  out.set_number(slice.number);
  for (size_t i = 0; i < kTopKinds; ++i) {
    v1::TopSketch& sketch = *out.add_sketches();
    sketch.set_kind(std::string(TopKindName(static_cast<TopKind>(i))));
    for (const FrequentKey& key : slice.keys[i]) {
      v1::FrequentKey& frequent = *sketch.add_keys();
      frequent.set_key(key.key);
      frequent.set_count(key.count);
      frequent.set_error(key.error);
    }
  }
}

// Periods and kinds of another version are left out.
void Decode(const v1::TopSlice& in, std::vector<SavedTopSlice>& slices) {
  const auto period = FindTopPeriod(in.period());
  if (!period) return;
  SavedTopSlice& slice = slices.emplace_back();
  slice.period = *period;
  slice.number = in.number();
  for (const v1::TopSketch& sketch : in.sketches()) {
    const auto kind = FindTopKind(sketch.kind());
    if (!kind) continue;
    for (const v1::FrequentKey& key : sketch.keys()) {
      slice.keys[static_cast<size_t>(*kind)].push_back(
          {.key = key.key(), .count = key.count(), .error = key.error()});
    }
  }
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    const int error = errno;
    const std::string what = absl::StrCat(path, ": ", std::strerror(error));
    if (error == ENOENT) return absl::NotFoundError(what);
    return absl::UnavailableError(what);
  }
  struct stat status = {};
  std::string bytes;
  bool good = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
              status.st_size <= kMaxBytes;
  if (good) {
    bytes.resize(static_cast<size_t>(status.st_size));
    const ssize_t got = pread(fd, bytes.data(), bytes.size(), 0);
    good = got == static_cast<ssize_t>(bytes.size());
  }
  close(fd);
  if (good) return bytes;
  return absl::UnavailableError(absl::StrCat(path, ": no readable file"));
}

}  // namespace

std::string SerializeState(const SavedState& state) {
  v1::SavedState out;
  out.set_saved_us(state.saved_us);
  out.set_statistics(SerializeStatistics(state.statistics));
  for (const SavedTopSlice& slice : state.top) {
    Encode(slice, *out.add_top_slices());
  }
  const std::string body = out.SerializeAsString();
  std::string bytes(kMagic);
  bytes += Checksum(body);
  bytes += body;
  return bytes;
}

absl::StatusOr<SavedState> ParseState(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) {
    return absl::DataLossError("not written by this version of gatemilter");
  }
  bytes.remove_prefix(kMagic.size());
  const std::string_view checksum = bytes.substr(0, kChecksumSize);
  const std::string_view body = bytes.substr(checksum.size());
  v1::SavedState in;
  if (checksum != Checksum(body) ||
      !in.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return absl::DataLossError("damaged");
  }
  auto statistics = ParseStatistics(in.statistics());
  if (!statistics) return absl::DataLossError("damaged");
  SavedState state{.saved_us = in.saved_us(),
                   .statistics = *std::move(statistics),
                   .top = {}};
  for (const v1::TopSlice& slice : in.top_slices()) Decode(slice, state.top);
  return state;
}

StateFile::StateFile(std::string folder, JournalFiles& files)
    : folder_(std::move(folder)),
      path_(folder_ + "/statistics"),
      files_(files) {}

absl::Status StateFile::Lock() {
  if (locked_) return absl::OkStatus();
  absl::Status status = files_.Lock(folder_);
  locked_ = status.ok();
  return status;
}

absl::StatusOr<SavedState> StateFile::Read() {
  // Without the lock it is read all the same: the one who holds it may be our
  // predecessor, on its way out.
  Lock().IgnoreError();
  const absl::StatusOr<std::string> bytes = ReadWhole(path_);
  if (absl::IsNotFound(bytes.status())) return bytes.status();
  if (!bytes.ok()) return PutAside(bytes.status());
  absl::StatusOr<SavedState> state = ParseState(*bytes);
  if (state.ok()) return state;
  return PutAside(
      absl::DataLossError(absl::StrCat(path_, ": ", state.status().message())));
}

absl::Status StateFile::PutAside(const absl::Status& why) {
  const std::string aside = path_ + ".damaged";
  const bool moved = locked_ && std::rename(path_.c_str(), aside.c_str()) == 0;
  return absl::DataLossError(absl::StrCat(
      why.message(), moved ? "; it is kept as " + aside : std::string()));
}

absl::Status StateFile::Save(const SavedState& state) {
  if (absl::Status locked = Lock(); !locked.ok()) return locked;
  return files_.Replace(path_, SerializeState(state));
}

}  // namespace gate::policy
