// A segment of the journal, read: hops from block to block.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "policy/journal_block.h"

namespace gate::policy {

// Thread-compatible.
class JournalSegment {
 public:
  // NotFound: it has been removed.
  static absl::StatusOr<JournalSegment> Open(const std::string& path);
  JournalSegment(JournalSegment&& other) noexcept;
  JournalSegment& operator=(JournalSegment&&) = delete;
  ~JournalSegment();

  struct Block {
    uint64_t offset = 0;
    BlockHeader header;
  };
  struct Blocks {
    std::vector<Block> wanted;
    uint64_t damaged = 0;  // blocks, or gaps, that were passed over
    bool cut = false;      // it ends in the middle of a block
  };
  // Those whose header and filter pass.
  using Test = absl::FunctionRef<bool(const BlockHeader& header,
                                      std::string_view filter)>;
  Blocks Find(Test test) const;

  // The records, in order; views into `raw`. False: damaged.
  bool Read(const Block& block, std::string& packed, std::string& raw,
            std::vector<std::string_view>& records) const;

 private:
  JournalSegment(int fd, uint64_t size) : fd_(fd), size_(size) {}
  // Of the block whose first bytes these are. Empty: it is damaged, or it is
  // not all there.
  std::optional<BlockHeader> HeaderAt(uint64_t offset,
                                      std::string_view bytes) const;
  // Where the next block begins, at `offset` or behind it; size_: nowhere.
  uint64_t NextBlock(uint64_t offset) const;
  // The filter of the block whose first `bytes` are known; they may be read
  // anew. Empty: it is damaged.
  std::optional<std::string_view> FilterAt(uint64_t offset,
                                           const BlockHeader& header,
                                           std::string& bytes) const;
  bool ReadAt(uint64_t offset, size_t size, std::string& bytes) const;

  int fd_;
  const uint64_t size_;
};

}  // namespace gate::policy
