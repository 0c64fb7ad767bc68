// A folder of a test's own below /tmp, gone with the object; its name has the
// process id (contrib/selftest removes those of killed ones). Its path is short
// enough for unix sockets, and other accounts may enter it. Not copyable;
// confined to one thread.
#pragma once

#include <string>

namespace gate::mta {

class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  // Empty when it could not be made.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Whether it was written.
bool WriteFile(const std::string& path, const std::string& content);
// Empty when it cannot be read.
std::string ReadFile(const std::string& path);

}  // namespace gate::mta
