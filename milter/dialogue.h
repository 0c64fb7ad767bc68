// What an MTA and gatemilter say to each other on one connection: packets in,
// packets out, in the order of the protocol (protocol.h). No socket, no loop:
// the native door moves the bytes.
//
// Take for each packet while it returns kOpen. After kWaiting: nothing, until
// the owner is told Answered; then Resume. After kQuit and kFarewell nothing is
// to be read any more. Close last, but not while waiting.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "milter/connection.h"
#include "milter/lost_features.h"
#include "milter/protocol.h"
#include "milter/received_macros.h"
#include "policy/engine.h"
#include "policy/statistics.h"
#include "policy/store.h"

namespace gate::milter {

// What the dialogues of one loop share.
struct DialogueContext {
  policy::Engine& engine;
  policy::Store& store;
  policy::Statistics& statistics;
  LostFeatures& lost_features;
};

class Dialogue;

// Hears that the store has answered.
class DialogueOwner {
 public:
  virtual ~DialogueOwner() = default;
  // Called by the store, maybe from within anything: Resume comes later.
  virtual void Answered(Dialogue& dialogue) noexcept = 0;
};

// Confined to its loop.
class Dialogue : private Answers {
 public:
  enum class State : uint8_t {
    kOpen,
    kWaiting,   // for the store
    kQuit,      // the MTA is done
    kFarewell,  // we said 421: the MTA is to close
  };

  // All outlive the dialogue.
  Dialogue(const DialogueContext& context, DialogueOwner& owner);
  // Begins, also anew after Close; memory is kept. `listener`: the name of the
  // socket; outlives the dialogue.
  void Open(std::string_view listener);

  // Answers one packet of the MTA.
  State Take(const Packet& packet, std::string& out) noexcept;
  // Requires: Answered was called.
  State Resume(std::string& out) noexcept;
  // The next event is answered 421; counted as `why` then: kTurnedAway or
  // kDrained.
  void TurnAway(policy::Counter why) { turned_away_ = why; }
  // Before that an MTA takes no reply to an event, also no 421.
  bool negotiated() const { return negotiated_; }
  // The stream is of no use any more: what the MTA reads next is a 421, not
  // just the end of the connection, which some MTAs take for an acceptance.
  State Break(policy::Counter why, std::string& out) noexcept;
  // Idempotent.
  void Close() noexcept;

 private:
  enum class Message : uint8_t {
    kNone,
    kOpen,   // MAIL came, its end did not
    kEnded,  // with the event before
  };

  void Done(policy::Batch& batch) noexcept override;
  bool Await() noexcept override;

  State Dispatch(const Packet& packet, std::string& out);
  State Negotiate(std::string_view data, std::string& out);
  Features Agree(const Features& offered);
  State TakeMacros(std::string_view data, std::string& out);
  State TakeEvent(const Packet& packet, std::string& out);
  // nullopt: malformed.
  std::optional<Response> Decide(std::string_view data);
  std::optional<Response> Connect(std::string_view data);
  void ForgetMessage();
  void NoteOrder();
  State Answer(Response response, std::string& out);
  void AppendChanges(std::string& out) const;
  Connection& Opened();

  const DialogueContext& context_;
  DialogueOwner& owner_;
  std::string_view listener_;
  std::optional<Connection> connection_;
  bool opened_ = false;  // the connection: not closed since
  ReceivedMacros macros_;
  std::vector<std::string_view> parameters_;
  Features agreed_;
  Command event_ = Command::kConnect;  // the last that wants an answer
  bool negotiated_ = false;
  bool connected_ = false;  // CONNECT came
  Message message_ = Message::kNone;
  bool waiting_ = false;
  bool answered_ = false;
  std::optional<policy::Counter> turned_away_;
};

}  // namespace gate::milter
