#include "policy/journal_segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gate::policy {
namespace {

constexpr size_t kUsualHeader = 1024;  // with its filter
constexpr size_t kSearchBytes = size_t{1} << 20;

}  // namespace

absl::StatusOr<JournalSegment> JournalSegment::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status = {};
  if (fd >= 0 && fstat(fd, &status) == 0) {
    return JournalSegment(fd, static_cast<uint64_t>(status.st_size));
  }
  const std::string what = absl::StrCat(path, ": ", std::strerror(errno));
  const bool gone = errno == ENOENT;
  if (fd >= 0) close(fd);
  if (gone) return absl::NotFoundError(what);
  return absl::UnavailableError(what);
}

JournalSegment::JournalSegment(JournalSegment&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

JournalSegment::~JournalSegment() {
  if (fd_ >= 0) close(fd_);
}

bool JournalSegment::ReadAt(uint64_t offset, size_t size,
                            std::string& bytes) const {
  bytes.resize(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(fd_, bytes.data() + done, size - done,
                              static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<size_t>(got);
  }
  return true;
}

std::optional<BlockHeader> JournalSegment::HeaderAt(
    uint64_t offset, std::string_view bytes) const {
  auto header = ReadBlockHeader(bytes);
  if (header && header->size() > size_ - offset) header.reset();
  return header;
}

std::optional<std::string_view> JournalSegment::FilterAt(
    uint64_t offset, const BlockHeader& header, std::string& bytes) const {
  const size_t size = kBlockHeaderBytes + header.filter_size;
  if (size > bytes.size() && !ReadAt(offset, size, bytes)) return std::nullopt;
  const auto filter =
      std::string_view(bytes).substr(kBlockHeaderBytes, header.filter_size);
  if (!IsWholeFilter(header, filter)) return std::nullopt;
  return filter;
}

// Headers have a CRC of their own: each place that looks like one costs no
// more than that, however many there are.
uint64_t JournalSegment::NextBlock(uint64_t offset) const {
  std::string around;
  for (uint64_t at = offset; at < size_; at += kSearchBytes) {
    // Overlapping, lest a header lies on the seam.
    const uint64_t size =
        std::min<uint64_t>(size_ - at, kSearchBytes + kBlockHeaderBytes - 1);
    if (!ReadAt(at, size, around)) return size_;
    const std::string_view bytes = around;
    for (size_t found = bytes.find(kBlockMagic);
         found != std::string_view::npos && found < kSearchBytes;
         found = bytes.find(kBlockMagic, found + 1)) {
      if (HeaderAt(at + found, bytes.substr(found))) return at + found;
    }
  }
  return size_;
}

JournalSegment::Blocks JournalSegment::Find(Test test) const {
  Blocks blocks;
  std::string bytes;
  for (uint64_t offset = 0; offset < size_;) {
    const uint64_t known = std::min<uint64_t>(size_ - offset, kUsualHeader);
    const auto header =
        ReadAt(offset, known, bytes) ? HeaderAt(offset, bytes) : std::nullopt;
    if (!header) {
      offset = NextBlock(offset + 1);
      blocks.cut = offset >= size_;
      if (!blocks.cut) ++blocks.damaged;
      continue;
    }
    const auto filter = FilterAt(offset, *header, bytes);
    if (!filter) {
      ++blocks.damaged;
    } else if (test(*header, *filter)) {
      blocks.wanted.push_back({.offset = offset, .header = *header});
    }
    offset += header->size();
  }
  return blocks;
}

bool JournalSegment::Read(const Block& block, std::string& packed,
                          std::string& raw,
                          std::vector<std::string_view>& records) const {
  const BlockHeader& header = block.header;
  return ReadAt(block.offset + kBlockHeaderBytes + header.filter_size,
                header.packed_size, packed) &&
         UnpackBlock(header, packed, raw, records);
}

}  // namespace gate::policy
