#include "tests/bench/load_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "tests/milter/mta_client.h"

namespace gate::bench {
namespace {

constexpr size_t kHead = 5;  // length and command
constexpr std::string_view kVerdicts = "cartdsy4fO";

const std::string& Offer() {
  static const std::string offer = [] {
    std::string packet;
    milter::AppendPacket(
        'O', milter::NegotiationOffer(milter::MtaClient::kPostfix, 6), packet);
    return packet;
  }();
  return offer;
}

// The size of the answer that `bytes` begin with, up to its verdict; 0: it is
// not whole.
size_t AnswerSize(std::string_view bytes) {
  size_t at = 0;
  while (bytes.size() >= at + kHead) {
    const size_t size = 4 + size_t{milter::NumberAt(bytes, at)};
    if (bytes.size() < at + size) return 0;
    const char command = bytes[at + 4];
    at += size;
    if (kVerdicts.find(command) != std::string_view::npos) return at;
  }
  return 0;
}

}  // namespace

int64_t NowNs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

bool LoadConnection::Open(const sockaddr_un& address,
                          const SessionScript& script, LoadListener& listener) {
  script_ = &script;
  listener_ = &listener;
  negotiated_ = false;
  turn_ = sent_ = 0;
  unread_.clear();
  asked_ns_ = NowNs();
  // Blocking: the filter always reads, so neither connect nor send can wait
  // for long; reads never wait.
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address),
              sizeof address) != 0) {
    Break(std::string("connect: ") + std::strerror(errno));
    return false;
  }
  return Send(Offer());
}

LoadConnection::State LoadConnection::Go(std::span<char> buffer) {
  const ssize_t size = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return State::kWaiting;
  if (size <= 0) return Break("the filter closed the connection");
  const std::string_view read(buffer.data(), static_cast<size_t>(size));
  if (unread_.empty()) return Take(read);
  unread_.append(read);
  const std::string bytes = std::move(unread_);
  unread_.clear();
  return Take(bytes);
}

LoadConnection::State LoadConnection::Take(std::string_view bytes) {
  const size_t size = AnswerSize(bytes);
  if (size == 0) {
    unread_ = bytes;
    return State::kWaiting;
  }
  if (size < bytes.size()) return Break("an answer that nobody asked for");
  return Answered(bytes);
}

LoadConnection::State LoadConnection::Answered(std::string_view answer) {
  const int64_t now = NowNs();
  const std::vector<Turn>& turns = script_->turns;
  const Turn asked = negotiated_ ? turns[turn_] : Turn{.command = 'O'};
  if (!listener_->Answered(asked.command, asked.event, *script_->kind, answer,
                           now - asked_ns_)) {
    Close();
    return State::kFree;
  }
  if (negotiated_) ++turn_;
  negotiated_ = true;
  // "Skip": no more of this kind.
  while (answer[4] == 's' && turn_ < turns.size() &&
         turns[turn_].command == asked.command) {
    sent_ = turns[turn_].end;
    ++turn_;
  }
  if (turn_ == turns.size()) return State::kPlayed;
  const std::string_view next(script_->bytes.data() + sent_,
                              turns[turn_].end - sent_);
  sent_ = turns[turn_].end;
  asked_ns_ = now;
  return Send(next) ? State::kWaiting : State::kFree;
}

bool LoadConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) {
      Break(std::string("send: ") + std::strerror(errno));
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

void LoadConnection::Quit() {
  const bool sent = Send(std::string_view(script_->bytes).substr(sent_));
  if (sent) Close();
}

int LoadConnection::Release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

LoadConnection::State LoadConnection::Break(const std::string& what) {
  listener_->Broken(what);
  Close();
  return State::kFree;
}

void LoadConnection::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

}  // namespace gate::bench
