// A store whose answers the test gives, and that remembers what it was asked.
#pragma once

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "policy/scenario_text.h"
#include "policy/store.h"

namespace gate::policy {

// Thread-compatible. Answers before Submit returns, or `later`, on a thread
// of its own (joined by the next call and the destructor).
class ScriptedStore : public Store {
 public:
  ~ScriptedStore() override { Join(); }

  void Submit(Batch& batch, Waiter& waiter) noexcept override {
    Join();
    ++trips;
    asked.clear();
    for (size_t i = 0; i < batch.size(); ++i) {
      asked.push_back(Name(batch[i]));
    }
    if (!later) return Fill(batch, waiter);
    thread_ = std::thread([this, &batch, &waiter] { Fill(batch, waiter); });
  }
  bool Post(const Effects& effects) noexcept override {
    if (away) return false;
    for (size_t i = 0; i < effects.size(); ++i) {
      posted.push_back(DescribeEffect(effects[i]));
    }
    return true;
  }

  // By the name of the limit or ban key; what is missing fits.
  std::map<std::string, Answer> answers;
  bool later = false;
  bool away = false;  // takes no effects
  int trips = 0;
  std::vector<std::string> asked;   // "charge per_user alice", the last trip
  std::vector<std::string> posted;  // "give back 1 to per_user alice"

 private:
  static std::string Name(const Lookup& lookup) {
    static constexpr const char* kKinds[] = {"charge", "peek", "banned"};
    std::string text = absl::StrFormat(
        "%s %s", kKinds[static_cast<int>(lookup.kind)], lookup.name);
    if (!lookup.subject.empty()) {
      absl::StrAppendFormat(&text, " %s", lookup.subject);
    }
    return text;
  }
  void Fill(Batch& batch, Waiter& waiter) {
    for (size_t i = 0; i < batch.size(); ++i) {
      const auto found = answers.find(batch[i].name);
      batch[i].answer = found == answers.end()
                            ? Answer{.state = AnswerState::kFits}
                            : found->second;
    }
    waiter.Done(batch);
  }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }

  std::thread thread_;
};

}  // namespace gate::policy
