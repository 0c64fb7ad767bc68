#include "policy/journal_reader.h"

#include <zstd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/journal_files.h"
#include "policy/journal_names.h"
#include "policy/journal_segment.h"
#include "policy/reference.h"

namespace gate::policy {
namespace {

using Order = JournalQuery::Order;

// Of a damaged file: the largest policies have some MB.
constexpr uint64_t kMaxDescription = uint64_t{256} << 20;

// The filter's key for a network; empty: it is wider than those it knows.
std::optional<uint64_t> KeyOf(const rules::IpPrefix& network) {
  const uint8_t whole = network.is_v4() ? 32 : 128;
  const uint8_t known = network.is_v4() ? 24 : 64;
  if (network.length() == whole) return AddressKey(network.base());
  if (network.length() >= known) return NetworkKey(network.base());
  return std::nullopt;
}

class Search {
 public:
  Search(const JournalQuery& query, JournalReader::Visitor visitor)
      : query_(query), visitor_(visitor) {
    if (query.network) network_key_ = KeyOf(*query.network);
    if (!query.queue_id.empty()) queue_id_key_ = QueueIdKey(query.queue_id);
  }

  void InSegment(const JournalSegment& segment, bool newest);
  // Whether nothing more is to be read.
  bool IsOver();
  const JournalSearch& result() const { return result_; }

 private:
  bool MayHave(const BlockHeader& header, std::string_view filter) const;
  void InRecords();
  void Visit(std::string_view record);

  const JournalQuery& query_;
  JournalReader::Visitor visitor_;
  std::optional<uint64_t> network_key_;
  std::optional<uint64_t> queue_id_key_;
  JournalSearch result_;
  std::string packed_;
  std::string raw_;
  std::vector<std::string_view> records_;
};

bool Search::MayHave(const BlockHeader& header, std::string_view filter) const {
  const bool has_reference =
      query_.reference == 0 || (header.least_reference <= query_.reference &&
                                query_.reference <= header.greatest_reference);
  return has_reference && header.oldest_us <= query_.to_us &&
         query_.from_us <= header.newest_us &&
         (!network_key_ || MayHold(filter, *network_key_)) &&
         (!queue_id_key_ || MayHold(filter, *queue_id_key_));
}

bool Search::IsOver() {
  if (!result_.stopped && query_.end.reached()) result_.ended = true;
  return result_.stopped || result_.ended;
}

void Search::InSegment(const JournalSegment& segment, bool newest) {
  JournalSegment::Blocks blocks =
      segment.Find([this](const BlockHeader& header, std::string_view filter) {
        return MayHave(header, filter);
      });
  result_.damaged_blocks += blocks.damaged;
  if (blocks.cut && !newest) ++result_.cut_blocks;
  if (query_.order == Order::kNewestFirst) {
    std::reverse(blocks.wanted.begin(), blocks.wanted.end());
  }
  for (const JournalSegment::Block& block : blocks.wanted) {
    if (IsOver()) return;
    if (segment.Read(block, packed_, raw_, records_)) {
      InRecords();
    } else {
      ++result_.damaged_blocks;
    }
  }
}

void Search::InRecords() {
  if (query_.order == Order::kNewestFirst) {
    std::reverse(records_.begin(), records_.end());
  }
  for (const std::string_view record : records_) {
    if (result_.stopped) return;
    Visit(record);
  }
}

void Search::Visit(std::string_view record) {
  const auto keys = ReadKeys(record);
  if (!keys) return;
  const bool fits =
      (query_.reference == 0 || keys->reference == query_.reference) &&
      (query_.queue_id.empty() || keys->queue_id == query_.queue_id) &&
      (!query_.network ||
       (keys->client && query_.network->Contains(*keys->client))) &&
      query_.from_us <= keys->wall_us && keys->wall_us <= query_.to_us;
  if (fits) result_.stopped = !visitor_(*keys, record);
}

absl::StatusOr<std::vector<std::string>> Segments(const std::string& folder) {
  auto entries = DiskJournalFiles().List(folder);
  if (!entries.ok()) return entries.status();
  std::vector<std::string> names;
  for (const JournalFiles::Entry& entry : *entries) {
    if (IsSegmentName(entry.name)) names.push_back(entry.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

absl::StatusOr<JournalSearch> JournalReader::Search(const JournalQuery& query,
                                                    Visitor visitor) const {
  auto names = Segments(folder_);
  if (!names.ok()) return names.status();
  const std::string newest = names->empty() ? "" : names->back();
  if (query.order == Order::kNewestFirst) {
    std::reverse(names->begin(), names->end());
  }
  policy::Search search(query, visitor);
  for (const std::string& name : *names) {
    if (search.IsOver()) break;
    const auto segment = JournalSegment::Open(folder_ + '/' + name);
    if (absl::IsNotFound(segment.status())) continue;
    if (!segment.ok()) return segment.status();
    search.InSegment(*segment, name == newest);
  }
  return search.result();
}

absl::StatusOr<std::string> JournalReader::Policy(uint64_t number) const {
  const std::string path = folder_ + '/' + PolicyFileName(number);
  std::ifstream file(path, std::ios::binary);
  const std::string packed{std::istreambuf_iterator<char>(file), {}};
  const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (packed.empty() || size > kMaxDescription) {
    return absl::NotFoundError(absl::StrCat(path, ": no description"));
  }
  std::string description(size, '\0');
  const size_t got = ZSTD_decompress(description.data(), description.size(),
                                     packed.data(), packed.size());
  if (got != size) {
    return absl::NotFoundError(absl::StrCat(path, ": damaged"));
  }
  return description;
}

JournalFound InspectSegments(const std::vector<std::string>& newest_first) {
  JournalFound found;
  for (const std::string& path : newest_first) {
    const auto segment = JournalSegment::Open(path);
    if (!segment.ok()) continue;
    const auto blocks =
        segment->Find([&found](const BlockHeader& header, std::string_view) {
          found.last_reference =
              LaterReference(found.last_reference, header.greatest_reference);
          return false;
        });
    if (path == newest_first.front()) {
      found.damaged_blocks = blocks.damaged;
      found.cut_blocks = blocks.cut ? 1 : 0;
    }
    if (found.last_reference != 0) break;
  }
  return found;
}

}  // namespace gate::policy
