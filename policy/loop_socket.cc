#include "policy/loop_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <uv.h>

#include <memory>
#include <string>
#include <utility>

namespace gate::policy {
namespace {

constexpr int kKeepaliveSeconds = 60;

void SetOption(int fd, int level, int option, int value) {
  // A socket that does not know the option works without.
  setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

// Lives until libuv has closed it. Small: most connections are idle.
struct LoopSocket::Stream {
  // What the system did not take at once.
  struct Rest {
    uv_write_t write = {};
    std::string bytes;  // being sent
    std::string later;  // to be sent next
  };

  // uv_tcp_t serves any stream socket, and asks less of the system for it than
  // uv_pipe_t.
  uv_tcp_t socket = {};
  std::unique_ptr<Rest> rest;  // null: nothing
  Handler* handler = nullptr;  // null: gone, or was told the end
  std::span<char> input;
  int fd = -1;
  bool tcp = false;

  static Stream& Of(void* data) { return *static_cast<Stream*>(data); }
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&socket); }

  static void OnAllocate(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
    const std::span<char> input = Of(handle->data).input;
    *buffer = uv_buf_init(input.data(), static_cast<unsigned>(input.size()));
  }

  static void OnRead(uv_stream_t* from, ssize_t size, const uv_buf_t* buffer) {
    Stream& self = Of(from->data);
    if (self.handler == nullptr || size == 0) return;
    if (size < 0) return self.End();
    if (self.tcp) SetOption(self.fd, IPPROTO_TCP, TCP_QUICKACK, 1);
    self.handler->Received({buffer->base, static_cast<size_t>(size)});
  }

  static void OnWritten(uv_write_t* request, int status) {
    Stream& self = Of(request->data);
    if (self.handler == nullptr) return;
    if (status != 0) return self.End();
    if (!self.rest->later.empty()) return self.SendLater();
    self.rest.reset();
    self.handler->Sent();
  }

  // Both reading and writing may find that the connection has ended.
  void End() {
    uv_read_stop(stream());
    std::exchange(handler, nullptr)->Ended();
  }

  void SendLater() {
    rest->bytes.swap(rest->later);
    rest->later.clear();
    rest->write.data = this;
    uv_buf_t buffer = uv_buf_init(rest->bytes.data(),
                                  static_cast<unsigned>(rest->bytes.size()));
    uv_write(&rest->write, stream(), &buffer, 1, OnWritten);
  }
};

LoopSocket::Kind LoopSocket::KindOf(int fd) {
  int family = 0;
  socklen_t size = sizeof family;
  const bool known = getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0;
  return known && family == AF_UNIX ? Kind::kUnix : Kind::kTcp;
}

LoopSocket::LoopSocket(Loop& loop, int fd, Kind kind, std::span<char> input,
                       Handler& handler)
    : stream_(new Stream) {
  stream_->handler = &handler;
  stream_->input = input;
  stream_->fd = fd;
  stream_->tcp = kind == Kind::kTcp;
  uv_tcp_init(loop.handle(), &stream_->socket);
  stream_->socket.data = stream_;
  uv_tcp_open(&stream_->socket, fd);
  if (stream_->tcp) {
    SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepaliveSeconds);
    SetOption(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
  }
  Resume();
}

LoopSocket::~LoopSocket() {
  stream_->handler = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&stream_->socket),
           [](uv_handle_t* closed) { delete &Stream::Of(closed->data); });
}

void LoopSocket::Send(std::string_view bytes) {
  if (!sent()) {
    stream_->rest->later.append(bytes);
    return;
  }
  const ssize_t taken =
      send(stream_->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  const size_t gone = taken > 0 ? static_cast<size_t>(taken) : 0;
  if (gone == bytes.size()) return;
  // An error that is none of "later" comes again, and is told, in OnWritten.
  stream_->rest = std::make_unique<Stream::Rest>();
  stream_->rest->later.assign(bytes.substr(gone));
  stream_->SendLater();
}

bool LoopSocket::sent() const { return stream_->rest == nullptr; }

void LoopSocket::Pause() { uv_read_stop(stream_->stream()); }

void LoopSocket::Resume() {
  uv_read_start(stream_->stream(), Stream::OnAllocate, Stream::OnRead);
}

}  // namespace gate::policy
