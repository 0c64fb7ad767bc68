// A private redis-server of the test's own: below a temporary folder, on a
// unix socket and, if asked for, a port of 127.0.0.1.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "policy/redis_client.h"
#include "tests/mta/child_process.h"
#include "tests/mta/temp_dir.h"

namespace gate::policy {

// Ends with the object. Thread-compatible.
class RedisServer {
 public:
  struct Options {
    bool tcp = false;
    // Its wall clock stands still but for Advance.
    bool frozen_clock = false;
    std::vector<std::string> arguments = {};  // of redis-server
  };
  // Started, and answering: else fault() says what is wrong.
  explicit RedisServer(Options options);
  RedisServer() : RedisServer(Options{}) {}
  ~RedisServer();

  const std::string& fault() const { return fault_; }
  // Starts it (again), without data, on the same address.
  void Start();
  void Stop() { process_.Stop(); }
  void Signal(int number) const { process_.Signal(number); }
  pid_t pid() const { return process_.pid(); }

  const std::string& dir() const { return dir_.path(); }
  std::string socket() const { return dir() + "/redis.sock"; }
  int port() const { return port_; }
  // By its unix socket.
  RedisOptions client() const;

  // A program of the same Redis that talks to it: "redis-benchmark".
  mta::Command Program(const std::string& name) const;
  // Runs redis-cli; its output, without the last line end.
  std::string Cli(const std::vector<std::string>& arguments) const;
  // Calls of a command since the server started (INFO commandstats).
  int64_t Calls(const std::string& command) const;

  // Frozen clock only.
  int64_t now_us() const { return *clock_us_; }
  void Advance(int64_t us) { *clock_us_ = *clock_us_ + us; }

 private:
  void FreezeClock();

  Options options_;
  mta::TempDir dir_;
  int port_ = 0;
  int reserved_ = -1;  // a bound socket: nobody else is given the port
  volatile int64_t* clock_us_ = nullptr;
  mta::ChildProcess process_;
  std::string fault_;
};

}  // namespace gate::policy
