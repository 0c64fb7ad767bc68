// The native door within the test's process, whose limits live in a Redis that
// answers when the test says.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <string>
#include <string_view>

#include "tests/milter/mta_client.h"
#include "tests/milter/mta_packets.h"
#include "tests/milter/native_door_fixture.h"
#include "tests/mta/child_process.h"
#include "tests/mta/temp_dir.h"
#include "tests/policy/held_redis.h"

namespace gate::milter {

// A recipient once an hour: who comes again is told so by name.
inline constexpr char kOnceEach[] = R"(
limit mails 1000000/hour per sender counting messages
limit few   1/hour       per rcpt   counting recipients
at mail { flood: defer 451 4.7.1 "Flood" when over mails }
at rcpt { few: defer 451 4.7.1 "Slowly: {rcpt.raw}" when over few }
)";

// The Redis is there before the door, and after it.
class HasHeldRedis {
 protected:
  policy::RedisOptions Options() const {
    policy::RedisOptions options;
    options.address.unix_path = path();
    // Nothing here is about deadlines.
    options.deadline_us = 60'000'000;
    return options;
  }
  policy::HeldRedis& redis() { return redis_; }

 private:
  std::string path() const { return folder_.path() + "/redis.sock"; }

  mta::TempDir folder_;
  policy::HeldRedis redis_{path()};
};

class NativeStoreFixture : protected HasHeldRedis, public NativeDoorFixture {
 protected:
  explicit NativeStoreFixture(const std::string& policy = kOnceEach)
      : NativeDoorFixture(policy, Options()) {}

  // All keys that begin so come to hold so many units.
  bool AwaitUsed(const std::string& beginning, uint64_t units) {
    return mta::WaitUntil([&] { return redis().Used(beginning) == units; },
                          std::chrono::seconds(10));
  }
};

inline std::string MailBytes(std::string_view path) {
  return Bytes(TextsPacket('M', {path}));
}

inline std::string RcptBytes(std::string_view path) {
  return Bytes(TextsPacket('R', {path}));
}

// The answer to one event: "c", or the text of a reply.
inline std::string NextAnswer(MtaClient& mta) {
  const MtaClient::Packet packet = mta.Receive();
  if (packet.command == 0) return "closed";
  if (packet.command != 'y') return std::string(1, packet.command);
  return packet.data.substr(0, packet.data.find('\0'));
}

// Nothing has come that was not read.
inline bool IsSilent(const MtaClient& mta) {
  pollfd wait = {.fd = mta.fd(), .events = POLLIN, .revents = 0};
  return poll(&wait, 1, 0) == 0;
}

}  // namespace gate::milter
