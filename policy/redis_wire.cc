#include "policy/redis_wire.h"

#include <uv.h>

#include <array>
#include <utility>

namespace gate::policy {

// Lives until libuv has closed its handles and answered its requests.
class RedisWire::Stream {
 public:
  Stream(Loop& loop, Handler& handler) : loop_(loop), handler_(&handler) {
    resolve_.data = connect_.data = write_.data = this;
  }

  void Open(const rules::RedisAddress& address) {
    if (address.unix_path.empty()) return Resolve(address);
    MakeHandle(/*unix=*/true);
    uv_pipe_connect(&connect_, &handle_->pipe, address.unix_path.c_str(),
                    OnConnect);
  }

  void Close() {
    handler_ = nullptr;
    if (resolving_) uv_cancel(reinterpret_cast<uv_req_t*>(&resolve_));
    CloseHandle();
    DeleteIfUnused();
  }

  // Asks for no memory.
  void Flush() noexcept {
    if (!connected_ || writing_ || output.empty()) return;
    uv_buf_t buffer = Buffer(output);
    const int sent = uv_try_write(&handle_->stream, &buffer, 1);
    const size_t taken = sent > 0 ? static_cast<size_t>(sent) : 0;
    if (taken == output.size()) return output.clear();
    // An error that is none of "later" comes again, and is told, in OnWritten.
    output.erase(0, taken);
    rest_.swap(output);
    output.clear();
    writing_ = true;
    buffer = Buffer(rest_);
    uv_write(&write_, &handle_->stream, &buffer, 1, OnWritten);
  }

  std::string output;

 private:
  union Handle {
    uv_handle_t any;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };

  ~Stream() { uv_freeaddrinfo(addresses_); }

  static Stream& Of(void* data) { return *static_cast<Stream*>(data); }
  static uv_buf_t Buffer(std::string& bytes) {
    return uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
  }

  void MakeHandle(bool unix) {
    handle_ = new Handle;
    ++handles_;
    if (unix) {
      uv_pipe_init(loop_.handle(), &handle_->pipe, /*ipc=*/0);
    } else {
      uv_tcp_init(loop_.handle(), &handle_->tcp);
    }
    handle_->any.data = this;
  }

  void CloseHandle() {
    connected_ = false;
    if (handle_ == nullptr) return;
    uv_close(&std::exchange(handle_, nullptr)->any, OnClosed);
  }

  static void OnClosed(uv_handle_t* handle) {
    Stream& self = Of(handle->data);
    delete reinterpret_cast<Handle*>(handle);
    --self.handles_;
    self.DeleteIfUnused();
  }

  void DeleteIfUnused() {
    if (handler_ == nullptr && handles_ == 0 && !resolving_) delete this;
  }

  void Resolve(const rules::RedisAddress& address) {
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    // A name that cannot even be asked for leads to the client's time-out.
    resolving_ =
        uv_getaddrinfo(loop_.handle(), &resolve_, OnResolved,
                       address.host.c_str(),
                       std::to_string(address.port).c_str(), &hints) == 0;
  }

  static void OnResolved(uv_getaddrinfo_t* request, int status,
                         addrinfo* found) {
    Stream& self = Of(request->data);
    self.resolving_ = false;
    self.addresses_ = self.next_ = found;
    if (self.handler_ == nullptr) return self.DeleteIfUnused();
    if (status != 0) return self.Fail(status);
    self.ConnectNext(UV_EADDRNOTAVAIL);
  }

  // A name may have addresses that nobody listens on (localhost: ::1).
  void ConnectNext(int status) {
    CloseHandle();
    while (next_ != nullptr) {
      const addrinfo& address = *std::exchange(next_, next_->ai_next);
      MakeHandle(/*unix=*/false);
      status =
          uv_tcp_connect(&connect_, &handle_->tcp, address.ai_addr, OnConnect);
      if (status == 0) return;
      CloseHandle();
    }
    Fail(status);
  }

  static void OnConnect(uv_connect_t* request, int status) {
    Stream& self = Of(request->data);
    if (self.handler_ == nullptr) return;
    if (status != 0) return self.ConnectNext(status);
    self.connected_ = true;
    if (self.handle_->any.type == UV_TCP) {
      uv_tcp_nodelay(&self.handle_->tcp, 1);
      uv_tcp_keepalive(&self.handle_->tcp, 1, kKeepaliveSeconds);
    }
    uv_read_start(&self.handle_->stream, OnAllocate, OnRead);
    self.handler_->Connected();
  }

  static void OnAllocate(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
    Stream& self = Of(handle->data);
    *buffer = uv_buf_init(self.input_.data(),
                          static_cast<unsigned>(self.input_.size()));
  }

  static void OnRead(uv_stream_t* stream, ssize_t size,
                     const uv_buf_t* buffer) {
    Stream& self = Of(stream->data);
    if (self.handler_ == nullptr || size == 0) return;
    if (size < 0) return self.Fail(static_cast<int>(size));
    self.handler_->Received({buffer->base, static_cast<size_t>(size)});
  }

  static void OnWritten(uv_write_t* request, int status) {
    Stream& self = Of(request->data);
    self.writing_ = false;
    if (self.handler_ == nullptr) return;
    if (status != 0) return self.Fail(status);
    self.Flush();
  }

  void Fail(int status) {
    CloseHandle();
    handler_->Failed(status == UV_EOF ? "it closed the connection"
                                      : uv_strerror(status));
  }

  static constexpr unsigned kKeepaliveSeconds = 15;

  Loop& loop_;
  Handler* handler_;  // null once the wire is gone
  Handle* handle_ = nullptr;
  int handles_ = 0;  // with those that are being closed
  addrinfo* addresses_ = nullptr;
  addrinfo* next_ = nullptr;  // to try, of them
  uv_getaddrinfo_t resolve_ = {};
  uv_connect_t connect_ = {};
  uv_write_t write_ = {};
  bool resolving_ = false;
  bool connected_ = false;
  bool writing_ = false;
  std::string rest_;  // being written
  std::array<char, 65536> input_;
};

RedisWire::RedisWire(Loop& loop, const rules::RedisAddress& address,
                     Handler& handler)
    : stream_(new Stream(loop, handler)) {
  stream_->Open(address);
}

RedisWire::~RedisWire() { stream_->Close(); }

std::string& RedisWire::output() { return stream_->output; }

void RedisWire::Flush() noexcept { stream_->Flush(); }

}  // namespace gate::policy
