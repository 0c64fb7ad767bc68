// One connection of the MTA, for every door: its arguments become events, the
// engine's verdicts become what the door must answer. Owns the Session.
//
// Confined to one connection. Waits for the store (libmilter's door); knows
// no libmilter type.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "milter/reply.h"
#include "policy/engine.h"
#include "policy/session.h"
#include "policy/store.h"

namespace gate::milter {

// What the MTA is to be told about one event.
enum class Response : uint8_t {
  kContinue,
  kReject,   // reply() is set
  kDefer,    // reply() is set
  kDiscard,
  kSkipBody, // no more chunks are wanted
};

class Connection {
 public:
  Connection(policy::Engine& engine, policy::Store& store);
  ~Connection();

  // The policy that this connection is pinned to: for the negotiation.
  const rules::Policy& policy() const { return session_.policy(); }
  const Reply& reply() const { return reply_; }

  Response Connect(const policy::ConnectEvent& event) noexcept;
  Response Helo(const policy::HeloEvent& event) noexcept;
  Response Mail(const policy::MailEvent& event) noexcept;
  Response Rcpt(const policy::RcptEvent& event) noexcept;
  Response Data(const policy::DataEvent& event) noexcept;
  Response Header(std::string_view name, std::string_view value) noexcept;
  Response Headers(const policy::HeadersEvent& event) noexcept;
  Response Body(std::string_view chunk) noexcept;
  // After kContinue the door carries out edits() and quarantine().
  Response Message(const policy::MessageEvent& event) noexcept;
  void Abort() noexcept;
  void Close() noexcept;
  // A new connection on the same socket (QUIT_NC).
  void Restart() noexcept;

  // Header changes in the order in which they must be sent: removals from the
  // highest index down, then changes, then additions.
  struct Edit {
    enum class Kind : uint8_t { kRemove, kAdd };
    Kind kind = Kind::kAdd;
    std::string name;
    uint32_t index = 0;  // 1-based instance of this name, for kRemove
    std::string value;   // encoded
  };
  std::span<const Edit> edits() const { return edits_; }
  // A reason when the message is to be quarantined; empty otherwise.
  const std::string& quarantine() const { return quarantine_; }

 private:
  policy::Engine& engine_;
  policy::Store& store_;
  policy::Session session_;
  Reply reply_;
  std::vector<Edit> edits_;
  std::string quarantine_;
};

}  // namespace gate::milter
