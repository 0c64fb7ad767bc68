// Feeds the top lists: with decisions that refuse, discard or quarantine for
// real, each once.
#pragma once

#include <string>
#include <string_view>

#include "policy/recorder.h"
#include "policy/top_lists.h"

namespace gate::policy {

// Confined to the recorder's thread.
class TopListSink : public DecisionSink {
 public:
  // Which outlive the sink.
  explicit TopListSink(TopLists& lists) : lists_(lists) {}

  void Take(const DecisionRecord& record, const PolicyPointer& policy,
            std::string_view bytes) override;

 private:
  TopLists& lists_;
  std::string network_;  // scratch
};

}  // namespace gate::policy
