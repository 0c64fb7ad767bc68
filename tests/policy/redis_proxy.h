// A network between gatemilter and Redis that can be bad: a TCP port of
// 127.0.0.1 whose connections go on to a Redis's unix socket.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace gate::policy {

// Thread-safe.
class RedisProxy {
 public:
  enum class Mode : uint8_t {
    kPass,
    kDelay,    // each answer comes 100 ms later
    kGarbage,  // answers are replaced by bytes that are no RESP2
    kCut,      // a connection ends in the middle of an answer
    kSilent,   // nothing is passed on
  };
  explicit RedisProxy(std::string unix_path);
  ~RedisProxy();

  int port() const { return port_; }
  void Set(Mode mode) { mode_ = mode; }

 private:
  static constexpr std::chrono::milliseconds kDelayTime{100};
  struct Link;
  void Run();
  void Accept(std::vector<Link>& links) const;
  // False: the connection is over.
  bool PassOn(Link& link) const;
  bool PassAnswer(Link& link) const;

  const std::string unix_path_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<Mode> mode_ = Mode::kPass;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace gate::policy
