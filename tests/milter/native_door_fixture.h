// The native door within the test's process.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "milter/listener.h"
#include "milter/native_door.h"
#include "policy/clock.h"
#include "tests/milter/mta_client.h"
#include "tests/mta/child_process.h"
#include "tests/mta/temp_dir.h"
#include "tests/rules/policy_text.h"

namespace gate::milter {

// Under one policy; limits live in memory, or in a Redis.
class NativeDoorFixture : public ::testing::Test {
 protected:
  explicit NativeDoorFixture(
      const std::string& policy,
      const std::optional<policy::RedisOptions>& redis = std::nullopt)
      : stores_(redis, log_) {
    std::signal(SIGPIPE, SIG_IGN);  // as the daemon does
    engine_.Install(rules::CompileText(policy));
  }
  ~NativeDoorFixture() override {
    if (!door_) return;
    Stop();
    Stop();
    End();
  }

  // On a unix socket, or on `addresses`.
  void Serve(const NativeDoorOptions& options) {
    Serve(options, {"unix:" + Path()});
  }
  void Serve(const NativeDoorOptions& options,
             const std::vector<std::string>& addresses) {
    std::vector<DoorSocket> sockets;
    for (const std::string& address : addresses) {
      rules::SocketSetting setting;
      setting.address = address;
      absl::StatusOr<Listener> listener = Listener::Bind(setting);
      ASSERT_TRUE(listener.ok()) << listener.status();
      sockets.push_back({.fd = listener->fd(),
                         .name = "name" + std::to_string(sockets.size())});
      listeners_.push_back(*std::move(listener));
    }
    door_.emplace(context_, std::move(sockets), options,
                  [this] { closed_ = true; });
    thread_ = std::thread([this] {
      EXPECT_TRUE(door_->Run().ok());
      ended_ = true;
    });
  }
  std::string Path(const std::string& name = "gate.sock") const {
    return folder_.path() + "/" + name;
  }
  int ListeningFd() const { return listeners_.front().fd(); }

  void Stop() { door_->Stop(); }
  // Nobody is accepted any more.
  bool AwaitClosed() const {
    return mta::WaitUntil([this] { return closed_.load(); },
                          std::chrono::seconds(10));
  }
  bool ended() const { return ended_; }
  bool AwaitEnd() const {
    return mta::WaitUntil([this] { return ended_.load(); },
                          std::chrono::seconds(10));
  }
  // The door goes, with its loops. Requires: stopped.
  void End() {
    thread_.join();
    door_.reset();
  }
  uint64_t Counted(policy::Counter counter) const {
    return statistics_.Snapshot().counters[static_cast<size_t>(counter)];
  }

 private:
  mta::TempDir folder_;
  std::vector<Listener> listeners_;
  policy::SystemClock clock_;
  policy::Statistics statistics_;
  Log log_{"error", statistics_};
  Stores stores_;
  policy::NullEventLog events_;
  policy::References references_{/*node=*/0};
  policy::Engine engine_{clock_, statistics_, events_, references_};
  const DoorContext context_{engine_, stores_, statistics_, log_};
  std::atomic<bool> closed_ = false;
  std::atomic<bool> ended_ = false;
  std::optional<NativeDoor> door_;
  std::thread thread_;
};

// Into the middle of a message.
inline void BeginMessage(MtaClient& mta,
                         const std::string& sender = "<a@a.example>") {
  ASSERT_TRUE(mta.Negotiate());
  ASSERT_EQ(mta.Connect("mx.a.example", "192.0.2.1", 25000).verdict, 'c');
  ASSERT_EQ(mta.Helo("mx.a.example").verdict, 'c');
  ASSERT_EQ(mta.Mail(sender).verdict, 'c');
}

}  // namespace gate::milter
