#include "milter/exposition.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "rules/domain_name.h"

namespace gate::milter {
namespace {

void AppendEscaped(std::string_view value, std::string& out) {
  std::string valid;
  rules::MakeValidUtf8(value, valid);
  for (const char c : valid) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
}

std::string Seconds(int64_t us) {
  return absl::StrFormat("%d.%06d", us / 1'000'000, us % 1'000'000);
}

}  // namespace

void Exposition::Counter(std::string_view name, std::string_view help) {
  Begin(name, "counter", help);
}

void Exposition::Gauge(std::string_view name, std::string_view help) {
  Begin(name, "gauge", help);
}

void Exposition::Histogram(std::string_view name, std::string_view help) {
  Begin(name, "histogram", help);
}

void Exposition::Begin(std::string_view name, std::string_view type,
                       std::string_view help) {
  name_ = name;
  absl::StrAppendFormat(&text_, "# HELP %s %s\n# TYPE %s %s\n", name, help,
                        name, type);
}

void Exposition::Add(uint64_t value, const MetricLabels& labels) {
  Sample("", labels, std::to_string(value));
}

void Exposition::AddSeconds(int64_t us, const MetricLabels& labels) {
  Sample("", labels, Seconds(us));
}

void Exposition::AddHistogram(const policy::Histogram& histogram,
                              const MetricLabels& labels) {
  uint64_t count = 0;
  MetricLabels with_bound = labels;
  with_bound.emplace_back("le", "+Inf");
  for (const policy::DurationCount& duration : histogram.durations) {
    count += duration.count - duration.restored;
    if (duration.up_to_us == 0) continue;
    const std::string bound =
        absl::StrCat(static_cast<double>(duration.up_to_us) / 1e6);
    with_bound.back().second = bound;
    Sample("_bucket", with_bound, std::to_string(count));
  }
  with_bound.back().second = "+Inf";
  Sample("_bucket", with_bound, std::to_string(count));
  Sample("_sum", labels,
         Seconds(static_cast<int64_t>(histogram.sum_us -
                                      histogram.restored_sum_us)));
  Sample("_count", labels, std::to_string(count));
}

void Exposition::Sample(std::string_view suffix, const MetricLabels& labels,
                        std::string_view value) {
  text_ += name_;
  text_ += suffix;
  char separator = '{';
  for (const auto& [name, text] : labels) {
    text_ += separator;
    text_ += name;
    text_ += "=\"";
    AppendEscaped(text, text_);
    text_ += '"';
    separator = ',';
  }
  if (!labels.empty()) text_ += '}';
  text_ += ' ';
  text_ += value;
  text_ += '\n';
}

}  // namespace gate::milter
