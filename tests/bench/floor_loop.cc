// floor_loop: the least that a filter on an event loop can cost. One thread,
// epoll; it knows where packets end, and answers each command with the bytes
// that mta_load recorded from a real filter (--record).
//
//   floor_loop SOCKET RECORD
//
// Says "ready" on stdout when it listens; ends by a signal.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "tests/bench/reply_record.h"
#include "tests/milter/wire.h"

namespace gate::bench {
namespace {

constexpr size_t kHead = 5;  // length and command
// Commands that nobody answers: macros, abort, and the ends of a connection.
constexpr std::string_view kUnanswered = "DAQK";

// Closed by its destructor.
struct Peer {
  explicit Peer(int socket) : fd(socket) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { close(fd); }

  int fd;
  std::string unread;  // the beginning of a packet
};

class FloorLoop {
 public:
  explicit FloorLoop(ReplyRecord record)
      : record_(std::move(record)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  // An error number; returns only then.
  int Run(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    unlink(path.c_str());
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address),
             sizeof address) != 0 ||
        listen(listener_, SOMAXCONN) != 0) {
      return errno;
    }
    Watch(listener_, nullptr);
    std::puts("ready");
    std::fflush(stdout);
    while (true) Turn();
  }

 private:
  void Watch(int fd, Peer* peer) const {
    epoll_event event = {.events = EPOLLIN, .data = {.ptr = peer}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void Turn() {
    std::array<epoll_event, 256> ready = {};
    const int count =
        epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < count; ++i) {
      void* peer = ready[static_cast<size_t>(i)].data.ptr;
      if (peer == nullptr) {
        Accept();
      } else if (!Serve(*static_cast<Peer*>(peer))) {
        delete static_cast<Peer*>(peer);
      }
    }
  }

  void Accept() const {
    while (true) {
      const int fd =
          accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0) return;
      Watch(fd, std::make_unique<Peer>(fd).release());
    }
  }

  // False: the connection is over.
  bool Serve(Peer& peer) {
    const ssize_t size = read(peer.fd, buffer_.data(), buffer_.size());
    if (size <= 0) return size < 0 && errno == EAGAIN;
    const std::string_view bytes(buffer_.data(), static_cast<size_t>(size));
    answer_.clear();
    bool open = true;
    if (peer.unread.empty()) {
      peer.unread = bytes.substr(Take(bytes, open));
    } else {
      peer.unread.append(bytes);
      peer.unread.erase(0, Take(peer.unread, open));
    }
    if (!open) return false;
    return answer_.empty() ||
           send(peer.fd, answer_.data(), answer_.size(), MSG_NOSIGNAL) > 0;
  }

  // Answers the whole packets at the beginning of `bytes`; how much that was.
  size_t Take(std::string_view bytes, bool& open) {
    size_t at = 0;
    while (open && bytes.size() >= at + kHead) {
      const size_t size = 4 + size_t{milter::NumberAt(bytes, at)};
      if (bytes.size() < at + size) break;
      const char command = bytes[at + 4];
      const std::string_view reply = record_.AnswerTo(command);
      answer_.append(reply);
      open = command != 'Q';
      // A header that is not answered stands so in the record.
      if (reply.empty() && command != 'L' &&
          kUnanswered.find(command) == std::string_view::npos) {
        std::fprintf(stderr, "floor_loop: no answer to %c is recorded\n",
                     command);
        open = false;
      }
      at += size;
    }
    return at;
  }

  const ReplyRecord record_;
  const int epoll_;
  int listener_ = -1;
  std::array<char, 1 << 16> buffer_;
  std::string answer_;
};

}  // namespace
}  // namespace gate::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: floor_loop SOCKET RECORD\n", stderr);
    return 2;
  }
  absl::StatusOr<gate::bench::ReplyRecord> record =
      gate::bench::ReplyRecord::Read(argv[2]);
  if (!record.ok()) {
    std::fprintf(stderr, "floor_loop: %s\n",
                 record.status().ToString().c_str());
    return 2;
  }
  const auto loop =
      std::make_unique<gate::bench::FloorLoop>(*std::move(record));
  std::fprintf(stderr, "floor_loop: %s\n", std::strerror(loop->Run(argv[1])));
  return 1;
}
