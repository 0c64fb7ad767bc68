#include "milter/header_changes.h"

#include "milter/reply.h"
#include "rules/ascii.h"

namespace gate::milter {

using policy::HeaderEdit;

void HeaderChanges::Reset() {
  counts_.clear();
  list_.clear();
}

void HeaderChanges::Count(const rules::Policy& policy, std::string_view name) {
  const auto names = policy.edited_headers();
  counts_.resize(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if (rules::EqualFolded(names[i], name)) ++counts_[i];
  }
}

void HeaderChanges::RemoveIncoming(const rules::Policy& policy,
                                   std::string_view name) {
  const auto names = policy.edited_headers();
  for (size_t i = 0; i < counts_.size() && i < names.size(); ++i) {
    if (!rules::EqualFolded(names[i], name)) continue;
    for (uint32_t instance = counts_[i]; instance > 0; --instance) {
      list_.push_back({.kind = HeaderChange::Kind::kRemove,
                       .name = std::string(name),
                       .instance = instance,
                       .value = {}});
    }
  }
}

void HeaderChanges::Build(const rules::Policy& policy,
                          std::span<const HeaderEdit> edits) {
  list_.clear();
  for (const HeaderEdit& edit : edits) {
    if (edit.kind != HeaderEdit::Kind::kAdd) RemoveIncoming(policy, edit.name);
  }
  for (const HeaderEdit& edit : edits) {
    if (edit.kind == HeaderEdit::Kind::kRemove) continue;
    list_.push_back({.kind = HeaderChange::Kind::kAdd,
                     .name = std::string(edit.name),
                     .instance = 0,
                     .value = EncodeHeaderValue(edit.name, edit.value)});
  }
}

}  // namespace gate::milter
