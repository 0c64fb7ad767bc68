#include "milter/web_search.h"

#include <utility>

#include "policy/thread_name.h"

namespace gate::milter {

WebSearch::WebSearch(Answer answer, std::function<void()> done,
                     size_t max_waiting)
    : answer_(std::move(answer)),
      done_(std::move(done)),
      max_waiting_(max_waiting),
      thread_([this] { Run(); }) {}

WebSearch::~WebSearch() {
  {
    const absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
}

bool WebSearch::Submit(uint64_t id, std::string query) {
  const absl::MutexLock lock(&mutex_);
  if (waiting_.size() >= max_waiting_) return false;
  waiting_.push_back({id, std::move(query)});
  return true;
}

std::vector<WebSearch::Item> WebSearch::Take() {
  const absl::MutexLock lock(&mutex_);
  return std::exchange(answered_, {});
}

void WebSearch::Run() {
  policy::NameThread("web search");
  const auto something = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stop_ || !waiting_.empty();
  };
  while (true) {
    Item item;
    {
      const absl::MutexLock lock(&mutex_, absl::Condition(&something));
      if (stop_) return;
      item = std::move(waiting_.front());
      waiting_.pop_front();
    }
    item.text = answer_(item.text, stop_);
    {
      const absl::MutexLock lock(&mutex_);
      answered_.push_back(std::move(item));
    }
    done_();
  }
}

}  // namespace gate::milter
