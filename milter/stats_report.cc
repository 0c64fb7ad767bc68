#include "milter/stats_report.h"

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

std::vector<ListReport> ReportLists(const rules::Policy& policy,
                                    const rules::ListTable& lists) {
  std::vector<ListReport> reports;
  for (uint32_t i = 0; i < lists.size(); ++i) {
    const rules::ListInfo& info = policy.lists()[i];
    reports.push_back({.name = info.name,
                       .type = std::string(rules::ListTypeName(info.type)),
                       .file = info.file,
                       .entries = lists.list(rules::ListId{i}).size});
  }
  return reports;
}

}  // namespace gate::milter
