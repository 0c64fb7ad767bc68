// The values of all facts of one session: slots that are filled as SMTP goes
// on and cleared as it goes back. Memory is kept, so that after warm-up
// nothing is allocated. Knows no syntax: policy/session_facts fills it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/facts.h"
#include "rules/ip_address.h"

namespace gate::rules {

// Index of a header name that the policy uses (Policy::header_names()).
struct HeaderId {
  uint32_t value = 0;
  friend bool operator==(HeaderId, HeaderId) = default;
};

// "18s", "5min", "2h", "1d": the largest unit that divides it, in whole
// seconds, rounded up.
void AppendDuration(int64_t us, std::string& out);

enum class Presence : uint8_t { kAbsent, kPresent, kUnknown };

// Confined to one connection.
class FactSet {
 public:
  FactSet();
  void SetText(FactId id, std::string_view text);
  void SetNumber(FactId id, int64_t number);
  void SetAddress(FactId id, const IpAddress& address);
  void SetPrefix(FactId id, const IpPrefix& prefix);
  void SetFlag(FactId id, bool present);
  void SetUnknown(FactId id);
  void Clear(FactId id) { Clear(FactBits().set(static_cast<size_t>(id))); }
  void Clear(const FactBits& ids);
  // Clears every fact whose stage is `first` or later, and the headers when
  // that is kHeaders or earlier.
  void ClearFrom(Stage first);

  Presence presence(FactId id) const {
    if (!known_[Index(id)]) return Presence::kAbsent;
    return unknown_[Index(id)] ? Presence::kUnknown : Presence::kPresent;
  }
  bool present(FactId id) const { return presence(id) == Presence::kPresent; }
  // Requires: present, and of the type that the fact has.
  std::string_view text(FactId id) const { return texts_[PlaceOf(id)]; }
  int64_t number(FactId id) const { return numbers_[PlaceOf(id)]; }
  const IpPrefix& prefix(FactId id) const { return prefixes_[PlaceOf(id)]; }
  const IpAddress& address(FactId id) const { return prefix(id).base(); }

  // Headers: room for `count` names (what was there goes, other facts stay); in
  // the order of the message. A stranger's message must not fill the memory: of
  // one name kMaxHeaderInstances are kept and counted, and the texts of all
  // are cut at kMaxHeaderBytes together.
  static constexpr size_t kMaxHeaderInstances = 1000;
  static constexpr size_t kMaxHeaderBytes = size_t{1} << 20;
  // Of a body, or of all headers, memory is kept for the next message up to so
  // many bytes: a connection may be idle for hours.
  static constexpr size_t kKeptBytes = 4096;
  void ResizeHeaders(size_t count);
  void AddHeader(HeaderId id, std::string_view decoded);
  size_t header_count(HeaderId id) const;
  std::string_view header(HeaderId id, size_t instance) const;

  // Grows whenever the fact's value may have changed (kHeader: any header).
  uint32_t generation(FactId id) const { return generations_[Index(id)]; }

  // The value as people write it (durations `18s`, flags `yes`, several
  // headers joined by ", "); nothing when not present. kHeader and
  // kHeaderCount need `header`.
  void AppendValue(FactId id, HeaderId header, std::string& out) const;

 private:
  struct HeaderSlot {
    size_t used = 0;
    std::vector<std::string> instances;
  };
  static size_t Index(FactId id) { return static_cast<size_t>(id); }
  static size_t PlaceOf(FactId id) { return kFactPlaces[Index(id)]; }
  // Its value is new, or none any more; the place of the value.
  size_t Change(FactId id, Presence presence);
  void ClearHeaders();
  void AppendHeader(HeaderId id, std::string& out) const;

  // Many connections are idle: values of one kind stand together, by place.
  FactBits known_;  // not absent
  FactBits unknown_;
  std::array<uint32_t, kFactCount> generations_{};
  // Never resized: views of one value live through changes of another.
  std::vector<std::string> texts_;
  std::vector<IpPrefix> prefixes_;
  std::vector<int64_t> numbers_;
  std::vector<HeaderSlot> headers_;
  size_t header_bytes_ = 0;
};

}  // namespace gate::rules
