#include "milter/libmilter_threads.h"

#include <libmilter/mfapi.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

extern "C" {

// libmilter's own, not in mfapi.h (sm/libmilter/libmilter.h).
int mi_engine(SMFICTX* ctx);
void mi_clr_ctx(SMFICTX* ctx);

}  // extern "C"

namespace gate::milter {
namespace {

constexpr int kContinue = 1;  // MI_CONTINUE: libmilter waits for a command
// As long as libmilter waits for the rest of a packet.
constexpr int kIdleMs = 7'210'000;
constexpr size_t kStackBytes = size_t{1} << 20;

bool (*on_closed)(smfi_str* ctx) = nullptr;

// struct smfi_str begins with the id of a thread and the connection's socket.
int SocketOf(const SMFICTX* ctx) {
  int fd = -1;
  std::memcpy(&fd, reinterpret_cast<const std::byte*>(ctx) + sizeof(pthread_t),
              sizeof fd);
  return fd;
}

bool IsSocket(int fd) {
  struct stat status = {};
  return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

void AwaitCommand(int fd) {
  pollfd wait = {.fd = fd, .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = poll(&wait, 1, kIdleMs);
  } while (ready < 0 && errno == EINTR);
  // libmilter reads the end of the connection, and closes it as any other.
  if (ready == 0) shutdown(fd, SHUT_RDWR);
}

void* Serve(void* argument) {
  auto* ctx = static_cast<SMFICTX*>(argument);
  const int fd = SocketOf(ctx);
  do {
    AwaitCommand(fd);
  } while (mi_engine(ctx) == kContinue);
  while (!on_closed(ctx)) pause();
  mi_clr_ctx(ctx);
  return nullptr;
}

}  // namespace

void UseThreadPerConnection(bool (*closed)(smfi_str* ctx)) {
  on_closed = closed;
}

}  // namespace gate::milter

extern "C" {

int mi_pool_controller_init() { return MI_SUCCESS; }

int mi_start_session(SMFICTX* ctx) {
  using namespace gate::milter;
  // MI_FAILURE would stop the listener for seconds, and end it the 16th time:
  // without a thread only this connection is closed.
  if (!IsSocket(SocketOf(ctx))) return MI_FAILURE;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_t thread = {};
  const int failed = pthread_create(&thread, &attributes, Serve, ctx);
  pthread_attr_destroy(&attributes);
  if (failed != 0) mi_clr_ctx(ctx);
  return MI_SUCCESS;
}

}  // extern "C"
