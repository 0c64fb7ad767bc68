// The store's part of a session: what an event asks, what was answered, and
// what of it has to be given back.
//
// For each event: Begin; Collect fills the batch; TakeAnswers. What rules see
// of the answers is view(): over and banned by id, kNeedsStore where the
// answer is not there. Gives back through an Effects that it is handed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "policy/ban_memory.h"
#include "policy/installed.h"
#include "policy/statistics.h"
#include "policy/store.h"
#include "rules/policy.h"

namespace gate::policy {

// Confined to one connection; memory is kept.
class Lookups {
 public:
  // What a look-up depends on, apart from the store.
  struct Source {
    const rules::Policy& policy;
    const rules::FactSet& facts;
    const rules::ListTable& lists;
    rules::MatchState& match;
  };

  // A new connection under `policy`: nothing is remembered.
  void Reset(const rules::Policy& policy);
  // The message is over, with it the answers of its limits.
  void ForgetMessage(const rules::Policy& policy);

  // The event's view: remembered answers, and kNeedsStore for what this stage
  // may ask. A key that is absent, a `when` that is false and a protected
  // client are false without asking.
  void Begin(const Source& source, rules::Stage stage, int64_t now_us);
  // Fills the batch with this event's charges and, if `rules_ask`, with the
  // look-ups of its rules.
  void Collect(const Source& source, rules::Stage stage, bool rules_ask);
  // Answers become truths; those that the shared store could not give, and
  // limits that were over, are counted.
  void TakeAnswers(const Installed& installed, BanMemory& bans,
                   Statistics& statistics);

  // The event was refused: what it was charged goes back.
  void GiveBackEvent(Effects& effects);
  // MAIL was not refused: its charges stay open until the message ends.
  void KeepMessageCharges();
  // No recipient was accepted, or the message was refused as a whole. What is
  // given back is forgotten, so it is never given back twice.
  void GiveBackMessage(Effects& effects);
  // End of message: limits of bytes get what the message really had.
  void SettleMessage(uint64_t actual_bytes, Effects& effects);

  // A refusal was given: charges all limits of rejections.
  void ChargeRejections(const Source& source, Effects& effects);
  // Nothing when the ban's key is absent or protected.
  void Ban(const Source& source, const rules::Rule& rule, BanMemory& bans,
           Effects& effects);

  rules::StoreView view() const { return {over_, banned_}; }
  // The numbers of the first of `limits` that is over; else zeros.
  rules::LimitNumbers NumbersOf(const rules::Policy& policy,
                                std::span<const rules::LimitId> limits) const;
  // What an earlier event was answered about this limit; null: nothing.
  const Answer* EarlierAnswer(rules::LimitId id) const;
  Batch& batch() { return batch_; }
  const Batch& batch() const { return batch_; }

 private:
  struct Memory {
    rules::Truth over = rules::Truth::kFalse;
    Answer answer;
  };
  // A charge of MAIL that may have to go back when the message ends.
  struct OpenCharge {
    const rules::Limit* limit = nullptr;
    std::string subject;
    uint64_t units = 0;
    bool local = false;  // in this process's stand-in
  };

  static bool Counts(const Source& source, const rules::Limit& limit);
  static bool Protected(const Source& source, const rules::KeyPart& key);
  void AppendLimit(const Source& source, rules::LimitId id, Lookup::Kind kind);
  void AppendBan(const Source& source, rules::BanKeyId id);
  void TakeLimit(const PolicySlots& slots, const Lookup& lookup,
                 Statistics& statistics);
  void TakeBan(const rules::Policy& policy, const Lookup& lookup,
               BanMemory& bans, Statistics& statistics);

  Batch batch_;
  std::vector<rules::Truth> over_;
  std::vector<rules::Truth> banned_;
  std::vector<Memory> limits_;
  std::vector<OpenCharge> open_;
  size_t open_count_ = 0;
};

}  // namespace gate::policy
