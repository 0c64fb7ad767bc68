#include "policy/header_edits.h"

#include <algorithm>

#include "rules/ascii.h"

namespace gate::policy {
namespace {

HeaderEdit& Reuse(std::vector<HeaderEdit>& edits, size_t& count,
                  HeaderEdit::Kind kind, std::string_view name) {
  if (count == edits.size()) edits.emplace_back();
  HeaderEdit& edit = edits[count++];
  edit.kind = kind;
  edit.name = name;
  edit.value.clear();
  return edit;
}

}  // namespace

void HeaderEdits::Clear() {
  noted_count_ = 0;
  committed_ = 0;
  result_count_ = 0;
  stripped_.clear();
}

HeaderEdit& HeaderEdits::Note(HeaderEdit::Kind kind, std::string_view name) {
  return Reuse(noted_, noted_count_, kind, name);
}

void HeaderEdits::StripIncoming(std::string_view name) {
  const bool known = std::ranges::any_of(
      stripped_,
      [&](std::string_view other) { return rules::EqualFolded(other, name); });
  if (!known) stripped_.push_back(name);
}

HeaderEdit& HeaderEdits::Append(HeaderEdit::Kind kind, std::string_view name) {
  return Reuse(result_, result_count_, kind, name);
}

HeaderEdit& HeaderEdits::IncomingEdit(HeaderEdit::Kind kind,
                                      std::string_view name) {
  for (size_t i = 0; i < result_count_; ++i) {
    HeaderEdit& edit = result_[i];
    if (edit.kind == HeaderEdit::Kind::kAdd ||
        !rules::EqualFolded(edit.name, name)) {
      continue;
    }
    edit.kind = kind;
    edit.name = name;
    return edit;
  }
  return Append(kind, name);
}

void HeaderEdits::Resolve() {
  result_count_ = 0;
  for (const std::string_view name : stripped_) {
    Append(HeaderEdit::Kind::kRemove, name);
  }
  for (size_t i = 0; i < committed_; ++i) {
    const HeaderEdit& noted = noted_[i];
    HeaderEdit& edit = noted.kind == HeaderEdit::Kind::kAdd
                           ? Append(noted.kind, noted.name)
                           : IncomingEdit(noted.kind, noted.name);
    edit.value.assign(noted.value);
  }
}

}  // namespace gate::policy
