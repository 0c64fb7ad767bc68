#include "milter/stats_report.h"

#include <algorithm>
#include <utility>

namespace gate::milter {

std::vector<TopReport> ReportTop(const policy::TopLists& lists,
                                 int64_t wall_us) {
  std::vector<TopReport> reports;
  for (size_t k = 0; k < policy::kTopKinds; ++k) {
    for (size_t p = 0; p < policy::kTopPeriods; ++p) {
      const auto kind = static_cast<policy::TopKind>(k);
      const auto period = static_cast<policy::TopPeriod>(p);
      reports.push_back({.kind = kind,
                         .period = period,
                         .list = lists.Top(kind, period, kTopKeys, wall_us)});
    }
  }
  return reports;
}

std::vector<ListReport> ReportLists(
    const policy::Installed& installed, int64_t wall_us,
    const std::function<int64_t(const std::string& file)>& changed_us) {
  std::vector<ListReport> reports;
  const rules::ListTable& lists = *installed.lists;
  for (uint32_t i = 0; i < lists.size(); ++i) {
    const rules::ListInfo& info = installed.policy->lists()[i];
    const int64_t since_us = info.file.empty() ? 0 : changed_us(info.file);
    // A file server's clock may be ahead of ours.
    const int64_t age_us =
        since_us == 0 ? 0 : std::max<int64_t>(0, wall_us - since_us);
    reports.push_back(
        {.name = info.name,
         .type = std::string(rules::ListTypeName(info.type)),
         .file = info.file,
         .entries = lists.list(rules::ListId{i}).size,
         .age_seconds = static_cast<uint64_t>(age_us) / 1'000'000});
  }
  return reports;
}

JournalReport ReportJournal(std::string folder,
                            const policy::JournalGauges& gauges) {
  return {.folder = std::move(folder),
          .queued_bytes = gauges.queued_bytes,
          .queue_bytes = gauges.queue_bytes,
          .written = gauges.records,
          .dropped = gauges.dropped,
          .segments = gauges.segments,
          .bytes = gauges.disk_bytes,
          .oldest_us = gauges.oldest_us,
          .fault = gauges.error};
}

}  // namespace gate::milter
