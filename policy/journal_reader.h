// Finds records in the folder of a journal, by its files alone: no gatemilter
// need run, and one may be writing. Blocks that cannot hold what is looked for
// are passed over by their headers; the others are unpacked.
//
// Not for writing, and not for the meaning of records.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "policy/journal_writer.h"
#include "policy/record_keys.h"
#include "rules/ip_address.h"

namespace gate::policy {

// When to end a search that has not found enough: one of a wide network may
// unpack all blocks.
struct SearchEnd {
  using Clock = std::chrono::steady_clock;
  Clock::time_point at = Clock::time_point::max();
  const std::atomic<bool>* stop = nullptr;  // true: now

  bool reached() const {
    return (stop != nullptr && *stop) ||
           (at != Clock::time_point::max() && Clock::now() >= at);
  }
};

// A record is found if all that is given holds; nothing given: every record.
struct JournalQuery {
  uint64_t reference = 0;                       // 0: any
  std::string_view queue_id = {};               // empty: any
  std::optional<rules::IpPrefix> network = {};  // also one whole address
  int64_t from_us = std::numeric_limits<int64_t>::min();
  int64_t to_us = std::numeric_limits<int64_t>::max();  // included
  // As they were written, or the other way round: the last N are the first N
  // of a search that is stopped.
  enum class Order { kNewestFirst, kOldestFirst };
  Order order = Order::kNewestFirst;
  SearchEnd end = {};  // looked at before each block and segment
};

// What a search met besides records.
struct JournalSearch {
  bool stopped = false;         // by the visitor
  bool ended = false;           // by JournalQuery::end: not all was searched
  uint64_t damaged_blocks = 0;  // passed over
  // Ends of segments that were cut in the middle of a block; that of the
  // newest segment is not counted: its last block may be just being written.
  uint64_t cut_blocks = 0;
};

// Thread-safe: it holds no more than the folder's name.
class JournalReader {
 public:
  explicit JournalReader(std::string folder) : folder_(std::move(folder)) {}

  // False: stop. The views live while the record is being visited.
  using Visitor =
      absl::FunctionRef<bool(const RecordKeys& keys, std::string_view record)>;
  // An error: the folder, or a segment in it, cannot be read.
  absl::StatusOr<JournalSearch> Search(const JournalQuery& query,
                                       Visitor visitor) const;

  // What PutPolicy was given; NotFound: nothing, or it is too old.
  absl::StatusOr<std::string> Policy(uint64_t number) const;

 private:
  std::string folder_;
};

// What is wrong with the newest of the segments, and the latest reference of
// all: after a kill the newest may have none.
JournalFound InspectSegments(const std::vector<std::string>& newest_first);

}  // namespace gate::policy
