#include "rules/domain_set.h"

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

DomainSet::DomainSet(std::span<const std::string> entries) {
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
  for (const std::string_view entry : entries) {
    if (entry.starts_with('.')) {
      index->trees.Add(entry.substr(1));
    } else {
      index->names.Add(entry);
    }
  }
  index_ = std::move(index);
}

bool DomainSet::Contains(std::string_view name) const {
  if (index_ == nullptr) return false;
  ReverseHash hash;
  for (size_t i = name.size(); i > 0; --i) {
    if (name[i - 1] == '.' && index_->trees.Contains(name.substr(i), hash)) {
      return true;
    }
    hash.Add(name[i - 1]);
  }
  return index_->trees.Contains(name, hash) ||
         index_->names.Contains(name, hash);
}

size_t DomainSet::size() const {
  return index_ == nullptr ? 0 : index_->names.size() + index_->trees.size();
}

}  // namespace gate::rules
