#include "tests/policy/held_redis.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "tests/mta/child_process.h"
#include "tests/policy/scripted_redis.h"

namespace gate::policy {
namespace {

constexpr int kPollMs = 1;

struct Judgement {
  bool fits = true;
  uint64_t allowed = 0;
};

// Of `units` more where `used` are, by the windows that follow in `at`.
Judgement JudgeWindows(uint64_t used, uint64_t units,
                       std::vector<std::string>::const_iterator& at) {
  Judgement judgement;
  for (uint64_t windows = std::stoull(*at++); windows > 0; --windows) {
    at += 2;  // amount, period
    judgement.allowed = std::stoull(*at++);
    if (used + units > judgement.allowed) judgement.fits = false;
  }
  return judgement;
}

// C(harge), P(eek), G(ive back), F(orce); the first two are answered.
void Count(char operation, uint64_t& used,
           std::vector<std::string>::const_iterator& at,
           std::vector<uint64_t>& numbers) {
  const uint64_t units = std::stoull(*at++);
  const auto [fits, allowed] = JudgeWindows(used, units, at);
  if (operation == 'F' || (operation == 'C' && fits)) used += units;
  if (operation == 'G') used -= std::min(used, units);
  if (operation != 'C' && operation != 'P') return;
  const uint64_t retry_us = fits ? 0 : 1'000'000;
  numbers.insert(numbers.end(), {fits ? 0u : 1u, used, allowed, retry_us});
}

std::string Numbers(const std::vector<uint64_t>& numbers) {
  std::string text = "*" + std::to_string(numbers.size()) + "\r\n";
  for (const uint64_t number : numbers) {
    text += ":" + std::to_string(number) + "\r\n";
  }
  return text;
}

}  // namespace

HeldRedis::Link::~Link() { close(fd); }

HeldRedis::HeldRedis(const std::string& unix_path)
    : listener_(ListenAsRedis(unix_path)) {
  thread_ = std::thread([this] { Run(); });
}

HeldRedis::~HeldRedis() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  thread_.join();
  close(listener_);
}

void HeldRedis::Hold() {
  const std::lock_guard lock(mutex_);
  mode_ = Mode::kHeld;
}

void HeldRedis::Release() {
  const std::lock_guard lock(mutex_);
  mode_ = Mode::kAtOnce;
  AnswerAll();
}

void HeldRedis::BeLate() {
  const std::lock_guard lock(mutex_);
  mode_ = Mode::kLate;
}

bool HeldRedis::AwaitWaiting(size_t count) {
  const auto waiting = [this, count] {
    const std::lock_guard lock(mutex_);
    return Waiting() == count;
  };
  return mta::WaitUntil(waiting, std::chrono::seconds(10));
}

std::string HeldRedis::AnswerOne(size_t choice) {
  const std::lock_guard lock(mutex_);
  std::vector<Link*> asking;
  for (const auto& link : links_) {
    if (!link->replies.empty()) asking.push_back(link.get());
  }
  Link& link = *asking.at(choice % asking.size());
  std::string key = link.replies.front().key;
  Answer(link);
  return key;
}

uint64_t HeldRedis::Used(const std::string& beginning) {
  const std::lock_guard lock(mutex_);
  uint64_t sum = 0;
  for (const auto& [key, used] : used_) {
    if (key.starts_with(beginning)) sum += used;
  }
  return sum;
}

void HeldRedis::Run() {
  auto answered = std::chrono::steady_clock::now();
  while (true) {
    std::vector<pollfd> polls;
    for (const auto& link : links_) polls.push_back({link->fd, POLLIN, 0});
    polls.push_back({listener_, POLLIN, 0});
    poll(polls.data(), polls.size(), kPollMs);
    const std::lock_guard lock(mutex_);
    if (stop_) return links_.clear();
    for (size_t i = links_.size(); i > 0; --i) {
      if (polls[i - 1].revents == 0 || Read(*links_[i - 1])) continue;
      links_.erase(links_.begin() + static_cast<ptrdiff_t>(i) - 1);
    }
    if (polls.back().revents != 0) {
      links_.push_back(std::make_unique<Link>(
          accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)));
    }
    const auto now = std::chrono::steady_clock::now();
    if (mode_ == Mode::kHeld ||
        (mode_ == Mode::kLate &&
         now - answered < std::chrono::milliseconds(kPollMs))) {
      continue;
    }
    answered = now;
    AnswerAll();
  }
}

bool HeldRedis::Read(Link& link) {
  char bytes[65536];
  const ssize_t size = recv(link.fd, bytes, sizeof bytes, 0);
  if (size <= 0) return false;
  link.input.append(bytes, static_cast<size_t>(size));
  while (const auto command = TakeRedisCommand(link.input)) {
    link.replies.push_back(Execute(*command));
  }
  AnswerPosts(link);
  return true;
}

// The operations are those of policy/redis_script.cc.
HeldRedis::Reply HeldRedis::Execute(const std::vector<std::string>& command) {
  const size_t keys = std::stoul(command[2]);
  auto at = command.begin() + 3 + static_cast<ptrdiff_t>(keys);
  std::vector<uint64_t> numbers;
  for (size_t i = 0; i < keys; ++i) {
    const char operation = (*at++)[0];
    switch (operation) {
      case 'T':
        break;
      case 'X':
        ++at;  // nobody is banned here
        break;
      case 'B':
        numbers.insert(numbers.end(), {0, 0, 0, 0});
        break;
      default:
        Count(operation, used_[command[3 + i]], at, numbers);
    }
  }
  return {.key = numbers.empty() ? "" : command[3], .bytes = Numbers(numbers)};
}

void HeldRedis::AnswerPosts(Link& link) {
  while (!link.replies.empty() && link.replies.front().key.empty()) {
    Answer(link);
  }
}

void HeldRedis::Answer(Link& link) {
  const std::string bytes = std::move(link.replies.front().bytes);
  link.replies.pop_front();
  // One that has gone is noticed when it is read.
  send(link.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  AnswerPosts(link);
}

void HeldRedis::AnswerAll() {
  for (const auto& link : links_) {
    while (!link->replies.empty()) Answer(*link);
  }
}

size_t HeldRedis::Waiting() const {
  size_t count = 0;
  for (const auto& link : links_) {
    count += static_cast<size_t>(std::ranges::count_if(
        link->replies, [](const Reply& reply) { return !reply.key.empty(); }));
  }
  return count;
}

}  // namespace gate::policy
