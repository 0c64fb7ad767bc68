// A peer that speaks as much of Redis's protocol as the test tells it to.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace gate::policy {

// Takes a command, an array of bulk strings, from the beginning of `input`;
// none: it is not whole.
std::optional<std::vector<std::string>> TakeRedisCommand(std::string& input);

// A socket that listens there. The caller's.
int ListenAsRedis(const std::string& unix_path);

// Serves one connection after the other, on a thread of its own.
class ScriptedRedis {
 public:
  // The bytes that answer a command; "" closes the connection.
  using Script =
      std::function<std::string(const std::vector<std::string>& command)>;
  ScriptedRedis(const std::string& unix_path, Script script);
  ~ScriptedRedis();

  int connections() const { return connections_; }

 private:
  void Run();
  void Serve(int fd);
  bool Readable(int fd) const;

  const Script script_;
  int listener_;
  std::atomic<int> connections_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace gate::policy
