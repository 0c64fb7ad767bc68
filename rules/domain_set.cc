#include "rules/domain_set.h"

#include <cassert>

#include "rules/text_index.h"

namespace gate::rules {

struct DomainSet::Index {
  TextIndex names;  // the name alone
  TextIndex trees;  // the name and all below; without the leading dot
};

DomainSet::DomainSet() = default;
DomainSet::DomainSet(DomainSet&&) noexcept = default;
DomainSet& DomainSet::operator=(DomainSet&&) noexcept = default;
DomainSet::~DomainSet() = default;

DomainSet::DomainSet(std::span<const std::string> entries,
                     std::span<const uint32_t> lines) {
  assert(lines.empty() || lines.size() == entries.size());
  struct Size {
    size_t entries = 0;
    size_t bytes = 0;
  } names, trees;
  for (const std::string& entry : entries) {
    Size& size = entry.starts_with('.') ? trees : names;
    ++size.entries;
    size.bytes += entry.size();
  }
  auto index = std::make_unique<Index>();
  index->names.Reserve(names.entries, names.bytes);
  index->trees.Reserve(trees.entries, trees.bytes);
  for (size_t i = 0; i < entries.size(); ++i) {
    const std::string_view entry = entries[i];
    const uint32_t line = lines.empty() ? 0 : lines[i];
    if (entry.starts_with('.')) {
      index->trees.Add(entry.substr(1), line);
    } else {
      index->names.Add(entry, line);
    }
  }
  index_ = std::move(index);
}

std::optional<uint32_t> DomainSet::Find(std::string_view name) const {
  if (index_ == nullptr) return std::nullopt;
  ReverseHash hash;
  for (size_t i = name.size(); i > 0; --i) {
    if (name[i - 1] == '.') {
      const auto line = index_->trees.Find(name.substr(i), hash);
      if (line) return line;
    }
    hash.Add(name[i - 1]);
  }
  const auto line = index_->trees.Find(name, hash);
  return line ? line : index_->names.Find(name, hash);
}

size_t DomainSet::size() const {
  return index_ == nullptr ? 0 : index_->names.size() + index_->trees.size();
}

}  // namespace gate::rules
