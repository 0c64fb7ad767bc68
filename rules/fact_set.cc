#include "rules/fact_set.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace gate::rules {
namespace {

void AppendNumber(int64_t number, std::string& out) {
  char buffer[20];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), number).ptr;
  out.append(buffer, end);
}

bool HasText(FactType type) {
  return type == FactType::kText || type == FactType::kDomain ||
         type == FactType::kMailbox;
}

bool HasPrefix(FactType type) {
  return type == FactType::kAddress || type == FactType::kNetwork;
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

FactSet::FactSet() {
  size_t texts = 0;
  size_t prefixes = 0;
  for (const FactInfo& info : AllFacts()) {
    Slot& slot = slots_[static_cast<size_t>(info.id)];
    slot.stage = info.stage;
    if (HasText(info.type)) slot.place = static_cast<uint8_t>(texts++);
    if (HasPrefix(info.type)) slot.place = static_cast<uint8_t>(prefixes++);
  }
  texts_.resize(texts);
  prefixes_.resize(prefixes);
}

FactSet::Slot& FactSet::Change(FactId id, Presence presence) {
  Slot& slot = slots_[static_cast<size_t>(id)];
  slot.presence = presence;
  ++slot.generation;
  return slot;
}

void FactSet::SetText(FactId id, std::string_view text) {
  texts_[Change(id, Presence::kPresent).place].assign(text);
}

void FactSet::SetNumber(FactId id, int64_t number) {
  Change(id, Presence::kPresent).number = number;
}

void FactSet::SetAddress(FactId id, const IpAddress& address) {
  SetPrefix(id, IpPrefix(address, address.is_v4() ? 32 : 128));
}

void FactSet::SetPrefix(FactId id, const IpPrefix& prefix) {
  prefixes_[Change(id, Presence::kPresent).place] = prefix;
}

void FactSet::SetFlag(FactId id, bool present) {
  Change(id, present ? Presence::kPresent : Presence::kAbsent);
}

void FactSet::SetUnknown(FactId id) { Change(id, Presence::kUnknown); }

void FactSet::Clear(FactId id) {
  if (presence(id) != Presence::kAbsent) Change(id, Presence::kAbsent);
}

void FactSet::ClearFrom(Stage first) {
  for (Slot& slot : slots_) {
    if (slot.stage < first || slot.presence == Presence::kAbsent) continue;
    slot.presence = Presence::kAbsent;
    ++slot.generation;
  }
  std::string& body = texts_[slot(FactId::kBody).place];
  if (body.capacity() > kKeptBytes) std::string().swap(body);
  if (first <= Stage::kHeaders) ResizeHeaders(headers_.size());
}

void FactSet::ResizeHeaders(size_t count) {
  headers_.resize(count);
  Clear(FactId::kHeader);
  Clear(FactId::kHeaderCount);
  for (HeaderSlot& header : headers_) {
    header.used = 0;
    if (header_bytes_ > kKeptBytes) header.instances = {};
  }
  header_bytes_ = 0;
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
