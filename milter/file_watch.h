// Which of some files have changed, by asking for their state now and then.
// Not inotify: list files come by rename, over NFS and from generators, and a
// look a second costs nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gate::milter {

// Thread-compatible.
class FileWatch {
 public:
  // Watches these from now on, instead of others. What changed since
  // `read_since_ns` (wall clock, nanoseconds: when reading them began) counts
  // as a change.
  void Watch(const std::vector<std::string>& paths, int64_t read_since_ns);

  // Whether some file changed since the last time that this said so. A file
  // counts only when it has stayed the same from one call to the next: one
  // that is being written waits.
  bool Poll();

  // When this one of the files last changed, as of the last Watch or Poll:
  // wall clock, nanoseconds. 0: it is not there, or not watched.
  int64_t ChangedNs(std::string_view path) const;

 private:
  // No such file: all zero.
  struct State {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    int64_t changed_ns = 0;  // ctime: also a rename that keeps mtime shows
    friend bool operator==(const State&, const State&) = default;
  };
  struct File {
    std::string path;
    State reported;  // as it was when it was read
    State seen;      // as it was at the last Poll
  };
  static State StateOf(const std::string& path);

  std::vector<File> files_;
};

}  // namespace gate::milter
