// The log: spdlog (the only file pair that knows it), written by its
// background thread behind a bounded queue; a full queue drops the oldest
// line and counts it. Every value is escaped: no line breaks, no control
// bytes, quotes around what needs them (facts.md section 7).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "policy/event_log.h"
#include "policy/statistics.h"

namespace gate::milter {

// Thread-safe. The destructor writes what is queued.
class Log : public policy::EventLog {
 public:
  // `level`: debug, info, warning, error. To stderr, and to syslog (facility
  // mail) when stderr is no terminal and no journal stream. `statistics` (its
  // kLogDropped) must outlive the log.
  Log(const std::string& level, policy::Statistics& statistics);
  ~Log() override;

  void SetLevel(const std::string& level);

  void Info(std::string_view text);
  void Warning(std::string_view text);
  void Error(std::string_view text);

  // stage=rcpt action=reject code=554 enhanced=5.7.1 rule=no_relay
  // client=192.0.2.1 helo=... sender=... rcpt=... queue_id=...
  void Decided(const Decision& decision) noexcept override;
  void Noted(const rules::Rule& rule, const policy::Session& session,
             std::string_view text) noexcept override;
  void MacroMissing(const MissingMacro& missing) noexcept override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// `value` as it may stand behind `key=` in a log line: as it is when all of
// it is printable ASCII without blanks, quotes, backslashes and `=`; else in
// quotes, with \" \\ and \xNN for control bytes, invalid UTF-8, and
// characters that break or reorder lines. Empty: "".
std::string LogQuote(std::string_view value);

}  // namespace gate::milter
