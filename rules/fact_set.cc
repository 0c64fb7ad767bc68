#include "rules/fact_set.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

namespace gate::rules {
namespace {

void AppendNumber(int64_t number, std::string& out) {
  char buffer[20];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), number).ptr;
  out.append(buffer, end);
}

// By stage: the facts of it and of those after it.
std::array<FactBits, kStageCount> FactsFromStages() {
  std::array<FactBits, kStageCount> facts;
  for (const FactInfo& info : AllFacts()) {
    for (size_t stage = 0; stage <= static_cast<size_t>(info.stage); ++stage) {
      facts[stage].set(static_cast<size_t>(info.id));
    }
  }
  return facts;
}

const FactBits& FactsFrom(Stage first) {
  static const std::array<FactBits, kStageCount> facts = FactsFromStages();
  return facts[static_cast<size_t>(first)];
}

size_t CountOf(ValueKind kind) {
  return static_cast<size_t>(std::ranges::count(
      AllFacts(), kind,
      [](const FactInfo& info) { return KindOf(info.type); }));
}

}  // namespace

void AppendDuration(int64_t us, std::string& out) {
  struct Unit {
    int64_t seconds;
    std::string_view name;
  };
  static constexpr std::array<Unit, 4> kUnits = {
      {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}};
  constexpr int64_t kSecond = 1'000'000;
  const int64_t seconds = us / kSecond + (us % kSecond > 0 ? 1 : 0);
  const auto unit = std::find_if(
      kUnits.begin(), kUnits.end() - 1,
      [&](const Unit& u) { return seconds != 0 && seconds % u.seconds == 0; });
  AppendNumber(seconds / unit->seconds, out);
  out += unit->name;
}

FactSet::FactSet()
    : texts_(CountOf(ValueKind::kText)),
      prefixes_(CountOf(ValueKind::kPrefix)),
      numbers_(CountOf(ValueKind::kNumber)) {}

size_t FactSet::Change(FactId id, Presence presence) {
  const size_t index = Index(id);
  known_[index] = presence != Presence::kAbsent;
  unknown_[index] = presence == Presence::kUnknown;
  ++generations_[index];
  return kFactPlaces[index];
}

void FactSet::SetText(FactId id, std::string_view text) {
  texts_[Change(id, Presence::kPresent)].assign(text);
}

void FactSet::SetNumber(FactId id, int64_t number) {
  numbers_[Change(id, Presence::kPresent)] = number;
}

void FactSet::SetAddress(FactId id, const IpAddress& address) {
  SetPrefix(id, IpPrefix(address, address.is_v4() ? 32 : 128));
}

void FactSet::SetPrefix(FactId id, const IpPrefix& prefix) {
  prefixes_[Change(id, Presence::kPresent)] = prefix;
}

void FactSet::SetFlag(FactId id, bool present) {
  Change(id, present ? Presence::kPresent : Presence::kAbsent);
}

void FactSet::SetUnknown(FactId id) { Change(id, Presence::kUnknown); }

void FactSet::Clear(const FactBits& ids) {
  uint64_t cleared = (known_ & ids).to_ullong();
  known_ &= ~ids;
  for (; cleared != 0; cleared &= cleared - 1) {
    ++generations_[static_cast<size_t>(std::countr_zero(cleared))];
  }
}

void FactSet::ClearFrom(Stage first) {
  if (first <= Stage::kHeaders) ClearHeaders();
  Clear(FactsFrom(first));
  std::string& body = texts_[PlaceOf(FactId::kBody)];
  if (body.capacity() > kKeptBytes) std::string().swap(body);
}

// Those that came make the fact present.
void FactSet::ClearHeaders() {
  if (!present(FactId::kHeader)) return;
  Clear(FactId::kHeader);
  Clear(FactId::kHeaderCount);
  for (HeaderSlot& header : headers_) {
    header.used = 0;
    if (header_bytes_ > kKeptBytes) header.instances = {};
  }
  header_bytes_ = 0;
}

void FactSet::ResizeHeaders(size_t count) {
  ClearHeaders();
  headers_.resize(count);
}

void FactSet::AddHeader(HeaderId id, std::string_view decoded) {
  HeaderSlot& header = headers_[id.value];
  Change(FactId::kHeader, Presence::kPresent);
  Change(FactId::kHeaderCount, Presence::kPresent);
  if (header.used == kMaxHeaderInstances) return;
  if (header.used == header.instances.size()) header.instances.emplace_back();
  const std::string_view kept =
      decoded.substr(0, kMaxHeaderBytes - header_bytes_);
  header.instances[header.used++].assign(kept);
  header_bytes_ += kept.size();
}

size_t FactSet::header_count(HeaderId id) const {
  return headers_[id.value].used;
}

std::string_view FactSet::header(HeaderId id, size_t instance) const {
  return headers_[id.value].instances[instance];
}

void FactSet::AppendValue(FactId id, HeaderId header, std::string& out) const {
  if (id == FactId::kHeader) return AppendHeader(header, out);
  if (id == FactId::kHeaderCount) {
    return AppendNumber(static_cast<int64_t>(header_count(header)), out);
  }
  if (!present(id)) return;
  switch (Info(id).type) {
    case FactType::kText:
    case FactType::kDomain:
    case FactType::kMailbox:
      out += text(id);
      return;
    case FactType::kAddress:
    case FactType::kNetwork:
      return prefix(id).AppendTo(out);
    case FactType::kNumber:
    case FactType::kSize:
      return AppendNumber(number(id), out);
    case FactType::kDuration:
      return AppendDuration(number(id), out);
    case FactType::kFlag:
      out += "yes";
  }
}

void FactSet::AppendHeader(HeaderId id, std::string& out) const {
  for (size_t i = 0; i < header_count(id); ++i) {
    if (i > 0) out += ", ";
    out += header(id, i);
  }
}

}  // namespace gate::rules
