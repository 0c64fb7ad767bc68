#include "tests/mta/stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <utility>

namespace gate::mta {
namespace {

sockaddr_in Address(const std::string& address, int port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address.c_str(), &result.sin_addr);
  return result;
}

int Connect(int port, const std::string& address, std::chrono::seconds limit) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const timeval wait{.tv_sec = limit.count(), .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  const sockaddr_in from = Address(address, 0);
  const sockaddr_in to = Address("127.0.0.1", port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
      connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    return fd;
  }
  close(fd);
  return -1;
}

SSL_CTX* ClientContext() {
  static SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  return context;
}

}  // namespace

void Stream::TlsDeleter::operator()(ssl_st* tls) const { SSL_free(tls); }

Stream::Stream(int port, const std::string& address, std::chrono::seconds limit)
    : fd_(Connect(port, address, limit)) {}

Stream::Stream(Stream&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)) {}

Stream::~Stream() { Close(); }

void Stream::Close() {
  tls_.reset();
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool Stream::StartTls() {
  signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  tls_.reset(SSL_new(ClientContext()));
  if (tls_ != nullptr && SSL_set_fd(tls_.get(), fd_) == 1 &&
      SSL_connect(tls_.get()) == 1) {
    return true;
  }
  Close();
  return false;
}

bool Stream::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent =
        tls_ != nullptr ? SSL_write(tls_.get(), bytes.data(),
                                    static_cast<int>(bytes.size()))
                        : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

std::string Stream::Read() {
  char buffer[4096];
  const ssize_t received = tls_ != nullptr
                               ? SSL_read(tls_.get(), buffer, sizeof buffer)
                               : recv(fd_, buffer, sizeof buffer, 0);
  if (received <= 0) return {};
  return {buffer, static_cast<size_t>(received)};
}

}  // namespace gate::mta
