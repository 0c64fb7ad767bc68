// Prometheus' text format, version 0.0.4: families of samples, written one
// after the other.
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/statistics.h"

namespace gate::milter {

using MetricLabels = std::vector<std::pair<std::string_view, std::string_view>>;

// Thread-compatible.
class Exposition {
 public:
  // The samples that follow are of this family, until the next one.
  void Counter(std::string_view name, std::string_view help);
  void Gauge(std::string_view name, std::string_view help);
  void Histogram(std::string_view name, std::string_view help);

  void Add(uint64_t value, const MetricLabels& labels = {});
  // A time or a duration in seconds.
  void AddSeconds(int64_t us, const MetricLabels& labels = {});
  // Buckets, sum and count, in seconds; without what was restored.
  void AddHistogram(const policy::Histogram& histogram,
                    const MetricLabels& labels = {});

  std::string Take() { return std::move(text_); }

 private:
  void Begin(std::string_view name, std::string_view type,
             std::string_view help);
  void Sample(std::string_view suffix, const MetricLabels& labels,
              std::string_view value);

  std::string_view name_;
  std::string text_;
};

}  // namespace gate::milter
