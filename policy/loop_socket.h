// A connection that was accepted, on a loop: bytes in, bytes out. The process
// ignores SIGPIPE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "policy/loop.h"

namespace gate::policy {

// Confined to its loop.
class LoopSocket {
 public:
  // Called on the loop, never from within a call to the socket; each may
  // destroy the socket.
  class Handler {
   public:
    virtual ~Handler() = default;
    // `bytes` are valid during the call.
    virtual void Received(std::string_view bytes) = 0;
    // What did not go out at once has gone.
    virtual void Sent() = 0;
    // The other side has closed, or the connection broke: the last call.
    virtual void Ended() = 0;
  };

  enum class Kind : uint8_t { kTcp, kUnix };
  static Kind KindOf(int fd);

  // Takes the descriptor of a connected stream socket; reads from now on, into
  // `input`, which may serve all sockets of the loop. TCP: TCP_NODELAY,
  // keep-alive, and TCP_QUICKACK after each read: an MTA that writes a packet
  // in two parts waits for an acknowledgement in between (Sendmail: 44 ms).
  LoopSocket(Loop& loop, int fd, Kind kind, std::span<char> input,
             Handler& handler);
  // Closes.
  ~LoopSocket();
  LoopSocket(const LoopSocket&) = delete;
  LoopSocket& operator=(const LoopSocket&) = delete;

  // One write; what the system does not take now follows by itself, and then
  // comes Sent. Without sent() it only waits with the rest.
  void Send(std::string_view bytes);
  bool sent() const;
  // No more Received until Resume. Also without Resume the end of the
  // connection may stay unnoticed.
  void Pause();
  void Resume();

 private:
  struct Stream;
  Stream* stream_;  // belongs to libuv once it is closed
};

}  // namespace gate::policy
