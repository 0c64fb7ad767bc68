#include "milter/log.h"

#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "milter/line_allowance.h"
#include "milter/missing_macro.h"
#include "rules/source.h"
#include "spdlog/async.h"
#include "spdlog/async_logger.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/sinks/syslog_sink.h"
#include "spdlog/spdlog.h"

namespace gate::milter {
namespace {

using policy::Counter;
using rules::FactId;

constexpr size_t kQueuedLines = 8192;
// Of decisions, all together: an attack must not cost more to write down than
// to refuse.
constexpr uint32_t kDecisionsPerSecond = 1000;
constexpr size_t kLongestValue = 256;  // bytes of one value in a line

// A line under construction: on the stack as long as it is of usual length.
using Line = fmt::basic_memory_buffer<char, 1024>;

void Append(Line& line, std::string_view text) {
  line.append(text.data(), text.data() + text.size());
}

// --- Escaping.

// The code point of one well-formed UTF-8 character.
uint32_t CodePoint(std::string_view character) {
  const auto lead = static_cast<uint8_t>(character[0]);
  if (character.size() == 1) return lead;
  uint32_t code = lead & (0xffu >> (character.size() + 1));
  for (const char c : character.substr(1)) {
    code = code << 6 | (static_cast<uint8_t>(c) & 0x3f);
  }
  return code;
}

// Characters that end lines, act on terminals or reorder what stands beside.
bool IsHarmful(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
         (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

bool IsPlain(std::string_view value) {
  for (const char c : value) {
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=') {
      return false;
    }
  }
  return !value.empty();
}

template <class Out>
void AppendHex(char c, Out& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<uint8_t>(c);
  out.push_back('\\');
  out.push_back('x');
  out.push_back(kDigits[byte >> 4]);
  out.push_back(kDigits[byte & 0xf]);
}

// Inside of quotes.
template <class Out>
void AppendEscaped(std::string_view value, Out& out) {
  while (!value.empty()) {
    const size_t valid = rules::Utf8CharacterSize(value);
    const size_t size = std::max(valid, size_t{1});
    const std::string_view character = value.substr(0, size);
    const bool escape = valid == 0 || IsHarmful(CodePoint(character));
    for (const char c : character) {
      if (escape) {
        AppendHex(c, out);
        continue;
      }
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    value.remove_prefix(size);
  }
}

template <class Out>
void AppendQuoted(std::string_view value, Out& out) {
  if (IsPlain(value)) {
    out.append(value.data(), value.data() + value.size());
    return;
  }
  out.push_back('"');
  AppendEscaped(value, out);
  out.push_back('"');
}

// --- Fields.

// " key=value"; a long value is cut and ends with "...".
void AppendField(std::string_view key, std::string_view value, Line& line) {
  if (line.size() > 0) line.push_back(' ');
  Append(line, key);
  line.push_back('=');
  AppendQuoted(value.substr(0, kLongestValue), line);
  if (value.size() > kLongestValue) Append(line, "...");
}

void AppendText(std::string_view key, FactId id, const rules::FactSet& facts,
                Line& line) {
  if (facts.present(id)) AppendField(key, facts.text(id), line);
}

// Whom and what the line is about.
void AppendSession(const policy::Session& session, Line& line) {
  const rules::FactSet& facts = session.facts();
  if (facts.present(FactId::kClientIp)) {
    AppendField("client", facts.address(FactId::kClientIp).ToString(), line);
  }
  AppendText("name", FactId::kClientName, facts, line);
  AppendText("helo", FactId::kHelo, facts, line);
  AppendText("user", FactId::kAuthUser, facts, line);
  AppendText("sender", FactId::kSender, facts, line);
  AppendText("rcpt", FactId::kRcpt, facts, line);
  AppendText("queue_id", FactId::kQueueId, facts, line);
}

void AppendVerdict(const policy::Verdict& verdict, Line& line) {
  AppendField("stage", rules::StageName(verdict.stage), line);
  AppendField("action", rules::ActionName(verdict.action), line);
  if (verdict.refuses()) {
    AppendField("code", fmt::format_int(verdict.code).c_str(), line);
    AppendField("enhanced", verdict.enhanced, line);
  }
  if (verdict.rule != nullptr) AppendField("rule", verdict.rule->label, line);
}

// --- Sinks.

// systemd names the device and inode of the journal's stream.
bool StderrIsJournal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status = {};
  if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

std::shared_ptr<spdlog::sinks::sink> StderrSink(bool journal) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  // The journal has its own times.
  sink->set_pattern(journal ? "%l: %v" : "%Y-%m-%d %H:%M:%S %l: %v");
  return sink;
}

std::shared_ptr<spdlog::sinks::sink> SyslogSink() {
  return std::make_shared<spdlog::sinks::syslog_sink_mt>(
      "gatemilter", LOG_PID, LOG_MAIL, /*enable_formatting=*/false);
}

// Written to last for each line, on the background thread: counts the lines
// that spdlog dropped since the line before.
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
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  spdlog::details::thread_pool& pool_;
  policy::Statistics& statistics_;
  size_t counted_ = 0;
};

}  // namespace

// The logger goes first: the pool's destructor writes what is queued, which
// keeps the logger and its sinks alive until then.
struct Log::Impl {
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
  policy::Statistics& statistics;
  LineAllowance allowance{kDecisionsPerSecond};

  // Whether a decision is to be written. Says how many were not before it.
  bool MayWriteDecision() {
    if (!logger->should_log(spdlog::level::info)) return false;
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (!allowance.Take(now.tv_sec)) {
      statistics.Count(Counter::kLogDropped);
      return false;
    }
    if (const uint64_t left_out = allowance.TakeLeftOut(); left_out > 0) {
      logger->warn("{} decisions were not written: more than {} a second",
                   left_out, kDecisionsPerSecond);
    }
    return true;
  }

  void Write(spdlog::level::level_enum level, const Line& line) const {
    logger->log(level, spdlog::string_view_t(line.data(), line.size()));
  }
};

Log::Log(const std::string& level, policy::Statistics& statistics)
    : impl_(new Impl{.pool = {}, .logger = {}, .statistics = statistics}) {
  impl_->pool = std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1);
  const bool journal = StderrIsJournal();
  std::vector<spdlog::sink_ptr> sinks = {StderrSink(journal)};
  if (!journal && isatty(STDERR_FILENO) == 0) sinks.push_back(SyslogSink());
  sinks.push_back(std::make_shared<DropCounter>(*impl_->pool, statistics));
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
  impl_->logger->info(spdlog::string_view_t(text.data(), text.size()));
}

void Log::Warning(std::string_view text) {
  impl_->logger->warn(spdlog::string_view_t(text.data(), text.size()));
}

void Log::Error(std::string_view text) {
  impl_->logger->error(spdlog::string_view_t(text.data(), text.size()));
}

// A line that cannot be written (no memory) is no reason to fail the event.
void Log::Decided(const Decision& decision) noexcept {
  try {
    if (!impl_->MayWriteDecision()) return;
    Line line;
    AppendVerdict(decision.verdict, line);
    if (decision.verdict.kept) AppendField("kept", "yes", line);
    if (decision.verdict.repeat) AppendField("repeat", "yes", line);
    if (decision.shadow) AppendField("shadow", "yes", line);
    if (!decision.given) AppendField("given", "no", line);
    AppendSession(decision.session, line);
    AppendField("text", decision.verdict.text, line);
    impl_->Write(spdlog::level::info, line);
  } catch (...) {
  }
}

void Log::Noted(const rules::Rule& rule, const policy::Session& session,
                std::string_view text) noexcept {
  try {
    if (!impl_->MayWriteDecision()) return;
    Line line;
    AppendField("stage", rules::StageName(rule.stage), line);
    AppendField("action", rules::ActionName(rule.action), line);
    AppendField("rule", rule.label, line);
    if (rule.shadow) AppendField("shadow", "yes", line);
    AppendSession(session, line);
    AppendField("text", text, line);
    impl_->Write(spdlog::level::info, line);
  } catch (...) {
  }
}

void Log::MacroMissing(const MissingMacro& missing) noexcept {
  try {
    Warning(DescribeMissingMacro(missing));
  } catch (...) {
  }
}

std::string LogQuote(std::string_view value) {
  std::string quoted;
  AppendQuoted(value, quoted);
  return quoted;
}

}  // namespace gate::milter
