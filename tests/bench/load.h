// Plays sessions against a filter from one epoll thread, and measures it.
//
// Each of the connections plays one session at a time and connects anew for
// the next, as Postfix does.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/load_connection.h"
#include "tests/bench/load_report.h"
#include "tests/bench/reply_record.h"
#include "tests/bench/script_source.h"

namespace gate::bench {

struct LoadOptions {
  std::string socket;
  int connections = 16;
  int64_t sessions = 0;  // 0: until `seconds` are over
  double seconds = 0;    // no session begins later; 0: until all have ended
  double rate = 0;       // sessions a second; 0: as fast as answers come
  int idle = 0;          // further connections, idle after one session each
  pid_t filter = 0;
  bool do_nothing = false;  // the filter answers "continue" to everything
};

// Confined to one thread.
class Load : private LoadListener {
 public:
  // Which outlive the load. `record`, if any, takes every answer.
  Load(ScriptSource& source, const LoadOptions& options, ReplyRecord* record);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() override;

  // An error: there is no filter to load. Once.
  absl::StatusOr<LoadReport> Run();

 private:
  // Sessions that are played alike.
  struct Phase {
    int64_t sessions = 0;  // 0: no end
    int64_t end_ns = 0;    // 0: no end
    double rate = 0;
    bool keep = false;  // connections stay open
    int64_t started = 0;
    int64_t begin_ns = 0;
    int64_t ended = 0;
  };

  bool Answered(char command, uint32_t event, const MixKind& kind,
                std::string_view answer, int64_t nanoseconds) override;
  void Broken(const std::string& what) override;

  absl::Status Negotiate();
  void Play(Phase& phase);
  bool MayStart(const Phase& phase, int64_t now) const;
  void StartWhatIsDue(Phase& phase);
  // Nanoseconds until the next session is due; waits without one for answers.
  int64_t Patience(const Phase& phase) const;
  void Start(LoadConnection& connection);
  void Ready(LoadConnection& connection, Phase& phase);
  void Played(LoadConnection& connection, Phase& phase);
  void CheckIdle();

  ScriptSource& source_;
  const LoadOptions options_;
  ReplyRecord* const record_;
  sockaddr_un address_ = {};
  std::string negotiation_;  // the answer that every connection must get
  int epoll_;
  std::vector<std::unique_ptr<LoadConnection>> connections_;
  std::vector<LoadConnection*> free_;
  std::vector<int> idle_;
  std::vector<char> buffer_;
  LoadReport report_;
};

}  // namespace gate::bench
