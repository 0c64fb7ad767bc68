// A TCP connection to a port of 127.0.0.1, in the clear or in TLS. The one
// place of the tests that knows OpenSSL. Every wait ends after its limit.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

struct ssl_st;

namespace gate::mta {

// Closes when it goes away. Thread-compatible.
class Stream {
 public:
  // Comes from `address`, one of 127/8. Not open if that fails.
  Stream(int port, const std::string& address, std::chrono::seconds limit);
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&&) = delete;
  ~Stream();

  // TLS from here on; any certificate will do. False: the handshake failed,
  // nothing can be sent any more.
  bool StartTls();
  bool Write(std::string_view bytes);
  // What has come; waits for the first byte. Empty: closed, or nothing came.
  std::string Read();
  void Close();

 private:
  struct TlsDeleter {
    void operator()(ssl_st* tls) const;
  };

  int fd_ = -1;
  std::unique_ptr<ssl_st, TlsDeleter> tls_;
};

}  // namespace gate::mta
