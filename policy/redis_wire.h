// One TCP or unix connection to Redis: bytes out, bytes in. Made for one
// attempt: when it fails it is thrown away.
//
// Names are resolved by libuv's helper threads, not on the loop.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "policy/loop.h"
#include "rules/redis_address.h"

namespace gate::policy {

// Confined to its loop.
class RedisWire {
 public:
  // Called on the loop, never from within a call to the wire.
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void Connected() = 0;
    virtual void Received(std::string_view bytes) = 0;
    // It could not connect, or was connected and is no more: "connection
    // refused". The last call.
    virtual void Failed(const std::string& why) = 0;
  };

  // Begins to connect. The handler outlives the wire.
  RedisWire(Loop& loop, const rules::RedisAddress& address, Handler& handler);
  // Closes; the handler is not called any more.
  ~RedisWire();
  RedisWire(const RedisWire&) = delete;
  RedisWire& operator=(const RedisWire&) = delete;

  // What is to be sent next: append to it, then Flush: one write. What the
  // system does not take now follows by itself.
  std::string& output();
  void Flush() noexcept;

 private:
  class Stream;
  Stream* stream_;  // belongs to libuv once it is closed
};

}  // namespace gate::policy
