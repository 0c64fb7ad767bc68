// The contents of the lists: swapped apart from rules, because rules are
// pinned per connection and list contents per message (design.md section 4).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/domain_set.h"
#include "rules/network_set.h"
#include "rules/pattern_set.h"
#include "rules/string_set.h"

namespace gate::rules {

struct ListId {
  uint32_t value = 0;
  friend bool operator==(ListId, ListId) = default;
};

enum class ListType : uint8_t {
  kDomains,
  kNetworks,
  kAddresses,
  kStrings,
  kPatterns
};
std::string_view ListTypeName(ListType type);

struct ListInfo {
  std::string name;
  ListType type = ListType::kDomains;
  std::string file;              // path as the loader opened it; empty: inline
  std::string declared_in = {};  // the policy file that names the list

  // Where the entries stand.
  const std::string& entries_file() const {
    return file.empty() ? declared_in : file;
  }
};

// What one list holds. Immutable after construction. The member of the type
// is filled, the others are empty. kAddresses and kStrings: strings. Facts
// whose values are folded (IsFolded) find in the folded_ ones, too, the
// entries of kStrings and kPatterns that have capital letters.
struct ListContents {
  ListType type = ListType::kDomains;
  DomainSet domains;
  NetworkSet networks;
  StringSet strings;
  StringSet folded_strings;
  std::unique_ptr<const PatternSet> patterns;
  std::unique_ptr<const PatternSet> folded_patterns;
  // By pattern: the lines of those that are the first of their kind.
  std::vector<uint32_t> pattern_lines;
  std::vector<uint32_t> folded_pattern_lines;
  size_t size = 0;  // entries

  // Whether an entry holds a text; `is_folded`: of a fact whose values are.
  // Requires: no list of networks.
  bool Holds(std::string_view text, bool is_folded) const;
  // The line of such an entry; empty: none does.
  std::optional<uint32_t> Find(std::string_view text, bool is_folded) const;
};

// One ListContents per ListId of one Policy. Immutable after construction.
class ListTable {
 public:
  ListTable() = default;
  // `hashes` are those of the texts that the lists were read from, one a list
  // or none at all.
  explicit ListTable(std::vector<std::shared_ptr<const ListContents>> lists,
                     std::vector<uint64_t> hashes = {})
      : lists_(std::move(lists)), hashes_(std::move(hashes)) {}
  const ListContents& list(ListId id) const { return *lists_[id.value]; }
  const std::shared_ptr<const ListContents>& shared(ListId id) const {
    return lists_[id.value];
  }
  // 0 for inline lists.
  uint64_t hash(ListId id) const {
    return hashes_.empty() ? 0 : hashes_[id.value];
  }
  size_t size() const { return lists_.size(); }

 private:
  std::vector<std::shared_ptr<const ListContents>> lists_;
  std::vector<uint64_t> hashes_;
};

}  // namespace gate::rules
