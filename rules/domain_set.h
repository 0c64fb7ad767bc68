// Many domains, one look-up (facts.md section 9): a hash set over all
// suffixes of a name. An entry `.example.org` holds the name and everything
// below it, `example.org` the name alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gate::rules {

// Immutable after construction.
class DomainSet {
 public:
  DomainSet();
  // Entries in the normal form of domain_name.h, those with a leading dot
  // kept so. `lines`: where each stands; empty: nowhere, which is line 0.
  explicit DomainSet(std::span<const std::string> entries,
                     std::span<const uint32_t> lines = {});
  DomainSet(DomainSet&&) noexcept;
  DomainSet& operator=(DomainSet&&) noexcept;
  ~DomainSet();

  // The line of an entry that holds `name`; empty: none does.
  // Requires: `name` in normal form.
  std::optional<uint32_t> Find(std::string_view name) const;
  bool Contains(std::string_view name) const { return Find(name).has_value(); }
  size_t size() const;

 private:
  struct Index;
  std::unique_ptr<const Index> index_;
};

}  // namespace gate::rules
