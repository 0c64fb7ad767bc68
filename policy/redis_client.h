// A Redis that is shared with other gatemilters, asked from one event loop:
// pipelined, with a deadline for each caller, behind a breaker.
//
// Ready: commands go out with Flush, replies come in their order. The first
// time-out, and the first reply that says that Redis cannot serve, opens the
// breaker: all callers get kUnavailable, now and from now on. Away: probes
// (with a new connection where the old one is of no use any more), until one
// is answered in time. What each reply leads to: policy/README.md.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "policy/loop.h"
#include "policy/redis_pending.h"
#include "policy/redis_reader.h"
#include "policy/redis_wire.h"
#include "policy/store.h"
#include "rules/redis_address.h"

namespace gate::policy {

struct RedisOptions {
  rules::RedisAddress address = {};
  std::string user = {};      // empty: Redis's default user
  std::string password = {};  // empty: no AUTH
  uint32_t database = 0;
  int64_t deadline_us = 50'000;  // from Flush to the answer
};

// Hears of the breaker. Called on the client's loop.
class RedisObserver {
 public:
  virtual ~RedisObserver() = default;
  virtual void Shared(const rules::RedisAddress& redis) noexcept = 0;
  // `why`: "no answer within 50 ms". Told once an outage, and again when the
  // reason changes.
  virtual void Away(const rules::RedisAddress& redis,
                    const std::string& why) noexcept = 0;
};

// Confined to its loop, but for ready().
class RedisClient : private RedisWire::Handler {
 public:
  // Begins to connect. Collaborators outlive the client.
  RedisClient(Loop& loop, RedisOptions options, RedisObserver& observer);
  // Answers who still waits.
  ~RedisClient() override;

  // Thread-safe: whether asking makes sense now.
  bool ready() const { return ready_.load(std::memory_order_relaxed); }

  // Sends the batch with the next Flush; `waiter` is told once, maybe at once.
  void Ask(Batch& batch, Waiter& waiter) noexcept;
  // Sends a command of AppendPost's with the next Flush; swaps `command` with
  // a used one, to be cleared. False: it is not sent.
  bool Post(std::string& command) noexcept;
  void Flush() noexcept;

 private:
  using Kind = RedisPending::Kind;

  void Connected() override;
  void Received(std::string_view bytes) override;
  void Failed(const std::string& why) override;

  void Connect();
  void SendLogin();
  void SendProbe();
  // Requires: a reply is in reader_.
  void TakeReply();
  void TakeError(const std::string& error);
  // The script was forgotten: sends the oldest command again with its text.
  void Repeat();
  RedisPending::Entry& Push(Kind kind);
  void ComeBack();
  // Opens the breaker, or tells that it is open for another reason now.
  void GoAway(const std::string& why);
  void Disconnect();
  void OnTimer();
  // The oldest command may be overdue.
  void CheckDeadline();
  void StartBackoff();
  std::string NoAnswer() const;

  Loop& loop_;
  const RedisOptions options_;
  RedisObserver& observer_;
  std::atomic<bool> ready_ = false;
  std::string why_;     // why it is away, as told; empty: not told
  LoopTimer timer_;     // ready: the oldest deadline; away: the next step
  int64_t backoff_us_;  // until the next try
  int64_t ready_since_us_ = 0;
  std::minstd_rand jitter_;
  std::unique_ptr<RedisWire> wire_;
  bool connected_ = false;
  bool trying_ = false;   // away: a connection or a probe is under way
  bool overdue_ = false;  // the oldest command was found overdue once
  bool broken_ = false;   // this connection must not be used any more
  std::unique_ptr<RedisReader> reader_;
  RedisPending pending_;
  size_t unsent_ = 0;  // the last of pending_: not flushed yet
};

}  // namespace gate::policy
