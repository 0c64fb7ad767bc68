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

class Log : public policy::EventLog {
 public:
  // `level`: debug, info, warning, error. To stderr, and to syslog (facility
  // mail) when stderr is no terminal and no journal stream.
  Log(const std::string& level, policy::Statistics& statistics);
  ~Log() override;

  void Info(std::string_view text);
  void Warning(std::string_view text);
  void Error(std::string_view text);

  void Decided(const Decision& decision) noexcept override;
  void Noted(const rules::Rule& rule, const policy::Session& session,
             std::string_view text) noexcept override;
  void MacroMissing(rules::FactId fact) noexcept override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// `value` as it may stand in a log line: key=value, quoted where needed.
std::string LogQuote(std::string_view value);

}  // namespace gate::milter
