// Hands decisions over to the journal, masked where the policy says so.
#pragma once

#include <memory>
#include <string_view>

#include "policy/journal_writer.h"
#include "policy/recorder.h"

namespace gate::policy {

// Confined to the recorder's thread, but for Installed.
class JournalSink : public DecisionSink {
 public:
  // Both outlive the sink.
  JournalSink(JournalWriter& journal, Statistics& statistics)
      : journal_(journal), statistics_(statistics) {}

  void Take(const DecisionRecord& record, const PolicyPointer& policy,
            std::string_view bytes) override;
  void Installed(const PolicyPointer& policy) override;

 private:
  JournalWriter& journal_;
  Statistics& statistics_;
};

}  // namespace gate::policy
