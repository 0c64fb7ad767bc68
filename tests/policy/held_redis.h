// A Redis whose answers the test holds back: it counts as the real one does
// within a moment, since time stands still, and answers when it is told.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace gate::policy {

// Thread-safe. Serves any number of connections, on a thread of its own.
class HeldRedis {
 public:
  explicit HeldRedis(const std::string& unix_path);
  ~HeldRedis();
  HeldRedis(const HeldRedis&) = delete;
  HeldRedis& operator=(const HeldRedis&) = delete;

  // Questions wait from now on; they are counted as they come.
  void Hold();
  // Answers all that wait, and at once what comes.
  void Release();
  // Answers what has come once a millisecond.
  void BeLate();
  // Questions that wait on all connections are so many, within 10 s. Not more:
  // of those that come later nothing is known.
  bool AwaitWaiting(size_t count);
  // The oldest question of one of the connections that have any; `choice`
  // picks the connection. Returns its first key.
  // Requires: some question waits.
  std::string AnswerOne(size_t choice);

  // Units that all keys that begin so hold ("gate:few:b@b.example").
  uint64_t Used(const std::string& beginning);

 private:
  enum class Mode : uint8_t { kAtOnce, kLate, kHeld };
  struct Reply {
    std::string key;  // empty: nobody waits for it
    std::string bytes;
  };
  struct Link {
    explicit Link(int connection) : fd(connection) {}
    ~Link();
    int fd;
    std::string input;
    std::deque<Reply> replies;  // in the order of the commands
  };

  void Run();
  // False: the other side has closed.
  bool Read(Link& link);
  Reply Execute(const std::vector<std::string>& command);
  // Answers the oldest question; and what nobody waits for, up to the next.
  static void Answer(Link& link);
  static void AnswerPosts(Link& link);
  void AnswerAll();
  size_t Waiting() const;

  int listener_;
  std::mutex mutex_;
  Mode mode_ = Mode::kAtOnce;
  bool stop_ = false;
  std::map<std::string, uint64_t> used_;
  std::vector<std::unique_ptr<Link>> links_;
  std::thread thread_;
};

}  // namespace gate::policy
