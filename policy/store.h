// Where limits and bans live: the interface of all stores.
//
// One batch is all that one SMTP event asks: one trip. It is asynchronous:
// Submit returns at once, Waiter::Done comes when all answers are in place,
// maybe before Submit returns, maybe on another thread. Post sends effects
// that nobody waits for. Stores never throw and never block (design.md 6).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/policy.h"

namespace gate::policy {

enum class AnswerState : uint8_t {
  kNone,         // not answered yet
  kFits,         // charged (kCharge), would fit (kPeek), not banned (kBanned)
  kOver,         // nothing charged / would not fit / is banned
  kUnavailable,  // the store is away (style S16)
};

struct Answer {
  AnswerState state = AnswerState::kNone;
  // Of the window that is fullest (or refuses), whole units, after the charge.
  uint64_t used = 0;
  uint64_t allowed = 0;
  int64_t retry_after_us = 0;  // 0 when it fits
  // Given by this process's stand-in while the shared store is away: what it
  // charged is given back there.
  bool local = false;
};

struct Lookup {
  enum class Kind : uint8_t { kCharge, kPeek, kBanned };
  Kind kind = Kind::kCharge;
  const rules::Limit* limit = nullptr;  // kCharge, kPeek
  rules::BanKeyId ban_key;              // kBanned
  std::string name;     // the limit's or ban key's name: buckets outlive
                        // policies, so they are known by name
  std::string subject;  // the key's value ("192.0.2.1", "alice"); "" global
  uint64_t units = 1;
  Answer answer;
};

class Waiter;

// Kept by the session: its strings' memory is reused. `size` are in use.
class Batch {
 public:
  void Clear() { size_ = 0; }
  // A cleared look-up whose strings keep their memory.
  Lookup& Append();
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Lookup& operator[](size_t i) { return lookups_[i]; }
  const Lookup& operator[](size_t i) const { return lookups_[i]; }

  int64_t now_us = 0;  // steady; stores with a clock of their own ignore it
  // Who submitted it to a store that stands in front of another one.
  Waiter* front = nullptr;

 private:
  std::vector<Lookup> lookups_;
  size_t size_ = 0;
};

// A write that nobody waits for.
struct Effect {
  enum class Kind : uint8_t {
    kGiveBack,  // take `units` out of the buckets again
    kForce,     // charge although it may not fit: rejections, settled bytes
    kBan,       // until now + ban_us; a longer ban stays
  };
  Kind kind = Kind::kGiveBack;
  const rules::Limit* limit = nullptr;
  std::string name;
  std::string subject;
  uint64_t units = 0;
  int64_t ban_us = 0;
  bool local = false;  // gives back what a local answer charged
};

class Effects {
 public:
  void Clear() { size_ = 0; }
  Effect& Append();
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Effect& operator[](size_t i) const { return effects_[i]; }

  int64_t now_us = 0;

 private:
  std::vector<Effect> effects_;
  size_t size_ = 0;
};

class Waiter {
 public:
  virtual ~Waiter() = default;
  // The batch belongs to its owner again. Called once a Submit.
  virtual void Done(Batch& batch) noexcept = 0;
};

// The store is away: says so to each look-up, and to the waiter.
void AnswerUnavailable(Batch& batch, Waiter& waiter) noexcept;

class Store {
 public:
  virtual ~Store() = default;
  // `batch` stays in place until Done. Each charge is made on its own if it
  // fits in all its windows; a refused charge costs nothing.
  virtual void Submit(Batch& batch, Waiter& waiter) noexcept = 0;
  // Copies what it needs. False: the store is away, nothing was taken.
  virtual bool Post(const Effects& effects) noexcept = 0;
};

}  // namespace gate::policy
