#include "milter/log.h"

#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "milter/log_quote.h"
#include "policy/thread_name.h"
#include "spdlog/async.h"
#include "spdlog/async_logger.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/sinks/syslog_sink.h"
#include "spdlog/spdlog.h"

namespace gate::milter {
namespace {

using policy::Counter;

constexpr size_t kQueuedLines = 8192;

// systemd names the device and inode of the journal's stream.
bool StderrIsJournal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status = {};
  if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

constexpr char kJsonMembers[] = R"({"level":"%l",%v})";

std::shared_ptr<spdlog::sinks::sink> StderrSink(bool journal, bool json) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  // The journal has its own times.
  if (json) {
    sink->set_pattern(
        journal ? kJsonMembers
                : R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})");
  } else {
    sink->set_pattern(journal ? "%l: %v" : "%Y-%m-%d %H:%M:%S %l: %v");
  }
  return sink;
}

// Syslog has its own times and severities.
std::shared_ptr<spdlog::sinks::sink> SyslogSink(bool json) {
  auto sink = std::make_shared<spdlog::sinks::syslog_sink_mt>(
      "gatemilter", LOG_PID, LOG_MAIL, /*enable_formatting=*/json);
  if (json) {
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        kJsonMembers, spdlog::pattern_time_type::local, /*eol=*/""));
  }
  return sink;
}

// Written to last for each line, on the background thread: counts the lines
// that spdlog dropped since the line before, and the flushes.
class DropCounter : public spdlog::sinks::sink {
 public:
  DropCounter(spdlog::details::thread_pool& pool,
              policy::Statistics& statistics)
      : pool_(pool), statistics_(statistics) {}

  void log(const spdlog::details::log_msg&) override {
    for (const size_t now = pool_.overrun_counter(); counted_ < now;
         ++counted_) {
      statistics_.Count(Counter::kLogDropped);
    }
  }
  void flush() override {
    const absl::MutexLock lock(&mutex_);
    ++flushes_;
  }
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  // `request`s one and waits for it.
  template <class Request>
  bool AwaitFlush(Request request, absl::Duration patience) {
    const absl::MutexLock lock(&mutex_);
    const uint64_t before = flushes_;
    request();
    const auto done = [this, before]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return flushes_ > before;
    };
    return mutex_.AwaitWithTimeout(absl::Condition(&done), patience);
  }

 private:
  spdlog::details::thread_pool& pool_;
  policy::Statistics& statistics_;
  size_t counted_ = 0;
  absl::Mutex mutex_;
  uint64_t flushes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

// The logger goes first: the pool's destructor writes what is queued, which
// keeps the logger and its sinks alive until then.
struct Log::Impl {
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
  policy::Statistics& statistics;
  std::shared_ptr<DropCounter> counter;
  const bool json;

  void Write(spdlog::level::level_enum level, std::string_view text) const {
    if (!logger->should_log(level)) return;
    if (!json) return WriteAsItIs(level, text);
    std::string member = "\"message\":";
    AppendJsonQuoted(text, member);
    WriteAsItIs(level, member);
  }
  void WriteAsItIs(spdlog::level::level_enum level,
                   std::string_view text) const {
    logger->log(level, spdlog::string_view_t(text.data(), text.size()));
  }
};

Log::Log(const std::string& level, policy::Statistics& statistics,
         rules::LogFormat format)
    : impl_(new Impl{.pool = {},
                     .logger = {},
                     .statistics = statistics,
                     .counter = {},
                     .json = format == rules::LogFormat::kJson}) {
  impl_->pool = std::make_shared<spdlog::details::thread_pool>(
      kQueuedLines, 1, [] { policy::NameThread("log"); });
  const bool journal = StderrIsJournal();
  std::vector<spdlog::sink_ptr> sinks = {StderrSink(journal, impl_->json)};
  if (!journal && isatty(STDERR_FILENO) == 0) {
    sinks.push_back(SyslogSink(impl_->json));
  }
  impl_->counter = std::make_shared<DropCounter>(*impl_->pool, statistics);
  sinks.push_back(impl_->counter);
  impl_->logger = std::make_shared<spdlog::async_logger>(
      "gatemilter", sinks.begin(), sinks.end(), impl_->pool,
      spdlog::async_overflow_policy::overrun_oldest);
  SetLevel(level);
}

Log::~Log() = default;

void Log::SetLevel(const std::string& level) {
  impl_->logger->set_level(spdlog::level::from_str(level));
}

void Log::Info(std::string_view text) {
  impl_->Write(spdlog::level::info, text);
}

void Log::Warning(std::string_view text) {
  impl_->Write(spdlog::level::warn, text);
}

void Log::Error(std::string_view text) {
  impl_->Write(spdlog::level::err, text);
}

void Log::WarningLines(std::string_view report) {
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(report.data(), report.size()), '\n',
                      absl::SkipEmpty())) {
    Warning(std::string_view(line.data(), line.size()));
  }
}

void Log::InfoMembers(std::string_view members) {
  assert(impl_->json);
  impl_->WriteAsItIs(spdlog::level::info, members);
}

bool Log::Flush(absl::Duration patience) {
  return impl_->counter->AwaitFlush([this] { impl_->logger->flush(); },
                                    patience);
}

bool Log::json() const { return impl_->json; }

bool Log::WritesInfo() const {
  return impl_->logger->should_log(spdlog::level::info);
}

}  // namespace gate::milter
