// The log: spdlog (the only file pair that knows it), written by its
// background thread behind a bounded queue; a full queue drops the oldest
// line and counts it. Escapes nothing: that is for those who put values into
// lines (log_quote.h). In JSON each line is one object: when, how severe, and
// what; without when where it goes to something that knows (syslog, journald).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "policy/statistics.h"
#include "rules/policy.h"

namespace gate::milter {

// Thread-safe. The destructor writes what is queued.
class Log {
 public:
  // `level`: debug, info, warning, error. To stderr, and to syslog (facility
  // mail) when stderr is no terminal and no journal stream. `statistics` (its
  // kLogDropped) must outlive the log.
  Log(const std::string& level, policy::Statistics& statistics,
      rules::LogFormat format = rules::LogFormat::kText);
  ~Log();

  void SetLevel(const std::string& level);

  // In JSON, `text` is the member `message`.
  void Info(std::string_view text);
  void Warning(std::string_view text);
  void Error(std::string_view text);
  // A report: each of its lines that is not empty is one.
  void WarningLines(std::string_view report);
  // A line that has members of its own: `"a":1,"b":2`. Requires: JSON.
  void InfoMembers(std::string_view members);

  // Writes what was logged before; false: that took longer.
  bool Flush(absl::Duration patience);

  // Each line is an object.
  bool json() const;
  // Whether Info goes anywhere.
  bool WritesInfo() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gate::milter
