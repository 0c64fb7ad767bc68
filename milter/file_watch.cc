#include "milter/file_watch.h"

#include <sys/stat.h>

#include <algorithm>

namespace gate::milter {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

}  // namespace

FileWatch::State FileWatch::StateOf(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return {};
  return {
      .device = status.st_dev,
      .inode = status.st_ino,
      .size = status.st_size,
      .changed_ns = status.st_ctim.tv_sec * kSecondNs + status.st_ctim.tv_nsec};
}

void FileWatch::Watch(const std::vector<std::string>& paths,
                      int64_t read_since_ns) {
  files_.clear();
  for (const std::string& path : paths) {
    const State state = StateOf(path);
    // File times lag behind the clock by up to a tick.
    const bool read = state.changed_ns < read_since_ns - kSecondNs / 10;
    files_.push_back(
        {.path = path, .reported = read ? state : State{}, .seen = state});
  }
}

bool FileWatch::Poll() {
  bool changed = false;
  for (File& file : files_) {
    const State state = StateOf(file.path);
    const bool settled = state == file.seen;
    file.seen = state;
    if (!settled || state == file.reported) continue;
    file.reported = state;
    changed = true;
  }
  return changed;
}

int64_t FileWatch::ChangedNs(std::string_view path) const {
  const auto found = std::ranges::find(files_, path, &File::path);
  return found == files_.end() ? 0 : found->seen.changed_ns;
}

}  // namespace gate::milter
