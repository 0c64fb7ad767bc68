#include "policy/installed.h"

#include <span>
#include <utility>
#include <vector>

namespace gate::policy {
namespace {

using rules::ListContents;
using rules::ListId;
using rules::ListInfo;
using rules::ListTable;

// Null when there is none of this name and type.
std::shared_ptr<const ListContents> FindContents(const Installed& installed,
                                                 const ListInfo& wanted) {
  const std::span<const ListInfo> infos = installed.policy->lists();
  for (size_t i = 0; i < infos.size(); ++i) {
    if (infos[i].name == wanted.name && infos[i].type == wanted.type) {
      return installed.lists->shared(ListId{static_cast<uint32_t>(i)});
    }
  }
  return nullptr;
}

}  // namespace

std::shared_ptr<const ListTable> MapLists(
    const rules::Policy& policy,
    const std::shared_ptr<const ListTable>& current, const Installed& newest) {
  if (newest.policy.get() == &policy) return newest.lists;
  std::vector<std::shared_ptr<const ListContents>> contents;
  contents.reserve(current->size());
  const std::span<const ListInfo> infos = policy.lists();
  for (uint32_t i = 0; i < current->size(); ++i) {
    std::shared_ptr<const ListContents> found;
    if (i < infos.size()) found = FindContents(newest, infos[i]);
    if (found == nullptr) found = current->shared(ListId{i});
    contents.push_back(std::move(found));
  }
  return std::make_shared<const ListTable>(std::move(contents));
}

}  // namespace gate::policy
