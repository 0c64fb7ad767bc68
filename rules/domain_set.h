// Many domains, one look-up (facts.md section 9): a hash set over all
// suffixes of a name. An entry `.example.org` holds the name and everything
// below it, `example.org` the name alone.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace gate::rules {

// Immutable after construction.
class DomainSet {
 public:
  DomainSet();
  // Entries in the normal form of domain_name.h, those with a leading dot
  // kept so.
  explicit DomainSet(std::span<const std::string> entries);
  DomainSet(DomainSet&&) noexcept;
  DomainSet& operator=(DomainSet&&) noexcept;
  ~DomainSet();

  // Requires: `name` in normal form.
  bool Contains(std::string_view name) const;
  size_t size() const;

 private:
  struct Index;
  std::unique_ptr<const Index> index_;
};

}  // namespace gate::rules
