// Preloaded into redis-server: its wall clock stands still, and shows what the
// test has written into the file that GATE_CLOCK names (microseconds since
// 1970, eight bytes).
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

int64_t ShownUs() {
  static const volatile int64_t* const shown = [] {
    const char* path = std::getenv("GATE_CLOCK");
    const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void* mapped = mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) _exit(1);
    return static_cast<const volatile int64_t*>(mapped);
  }();
  return *shown;
}

}  // namespace

extern "C" {

int gettimeofday(timeval* time, void*) noexcept {
  const int64_t us = ShownUs();
  time->tv_sec = us / 1'000'000;
  time->tv_usec = us % 1'000'000;
  return 0;
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (clock != CLOCK_REALTIME) {
    return static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  }
  const int64_t us = ShownUs();
  time->tv_sec = us / 1'000'000;
  time->tv_nsec = us % 1'000'000 * 1000;
  return 0;
}

time_t time(time_t* out) noexcept {
  const time_t seconds = ShownUs() / 1'000'000;
  if (out != nullptr) *out = seconds;
  return seconds;
}

}  // extern "C"
