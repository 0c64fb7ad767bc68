// Searches of the journal for the HTTP server: each may take seconds, so they
// run on a thread of their own, one after the other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace gate::milter {

// Thread-safe.
class WebSearch {
 public:
  struct Item {
    uint64_t id = 0;
    std::string text;  // the query; then the answer to it
  };
  // `stop` becomes true when the answer is not wanted any more.
  using Answer = std::function<std::string(const std::string& query,
                                           const std::atomic<bool>& stop)>;
  // `answer` and `done` are called on the search's thread; `done` when there
  // is something to Take.
  WebSearch(Answer answer, std::function<void()> done, size_t max_waiting);
  // Stops the search under way; the others are not begun.
  ~WebSearch();
  WebSearch(const WebSearch&) = delete;
  WebSearch& operator=(const WebSearch&) = delete;

  // False: too many wait.
  bool Submit(uint64_t id, std::string query);
  // The answers since the last call.
  std::vector<Item> Take();

 private:
  void Run();

  const Answer answer_;
  const std::function<void()> done_;
  const size_t max_waiting_;
  std::atomic<bool> stop_ = false;  // changed under mutex_, which is waited on
  absl::Mutex mutex_;
  std::deque<Item> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<Item> answered_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace gate::milter
