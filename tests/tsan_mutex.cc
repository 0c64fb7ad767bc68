// Tells ThreadSanitizer what absl::Mutex and absl::Notification order. Debian's
// library is not instrumented, so that all they guard would look like a race.
// Linked into every program of the tsan preset; these definitions take the
// place of the library's and call them. What is not here is not used by us.
// And what is to be forgiven libmilter.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <cstdio>
#include <cstdlib>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace {

// A member function is called as a function of its object (Itanium C++ ABI).
template <class Function>
Function Original(const char* mangled) {
  void* const found = dlsym(RTLD_NEXT, mangled);
  if (found == nullptr) {
    std::fprintf(stderr, "tsan_mutex.cc: %s is not in Abseil\n", mangled);
    std::abort();
  }
  return reinterpret_cast<Function>(found);
}

// A condition is asked inside the library, in any thread that holds the lock
// there: what it reads is as guarded as between Lock and Unlock.
struct Guarded {
  absl::Mutex* mutex;
  const absl::Condition* condition;
};

bool IsTrue(Guarded* guarded) {
  __tsan_acquire(guarded->mutex);
  const bool is_true = guarded->condition->Eval();
  __tsan_release(guarded->mutex);
  return is_true;
}

// Abseil's own look-out for deadlocks has memory and locks that are not seen;
// the sanitizer looks out for them itself.
[[maybe_unused]] const bool kNoLookOut = [] {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return true;
}();

}  // namespace

// At its end libmilter destroys locks that its threads still use, and leaves
// threads behind. Narrow on purpose: races in our callbacks must be seen, and
// libmilter is in their stacks, too. Debian's libspdlog is not instrumented:
// the locks of its queue and of its worker are not seen. libuv closes
// descriptors unseen: a folder that a test reads gets the number of one that a
// loop has just closed.
extern "C" const char* __tsan_default_suppressions() {
  return "race:mi_closener\n"
         "race_top:pthread_mutex_destroy\n"
         "race_top:pthread_cond_destroy\n"
         "mutex:libmilter.so\n"
         "thread:libmilter.so\n"
         "race:spdlog\n"
         "race_top:closedir\n";
}

void absl::Mutex::Lock() {
  static const auto lock =
      Original<void (*)(Mutex*)>("_ZN4absl7debian35Mutex4LockEv");
  lock(this);
  __tsan_acquire(this);
}

void absl::Mutex::Unlock() {
  static const auto unlock =
      Original<void (*)(Mutex*)>("_ZN4absl7debian35Mutex6UnlockEv");
  __tsan_release(this);
  unlock(this);
}

void absl::Mutex::Await(const Condition& condition) {
  static const auto await = Original<void (*)(Mutex*, const Condition&)>(
      "_ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE");
  Guarded guarded = {.mutex = this, .condition = &condition};
  __tsan_release(this);
  await(this, Condition(&IsTrue, &guarded));
  __tsan_acquire(this);
}

void absl::Mutex::LockWhen(const Condition& condition) {
  Lock();
  Await(condition);
}

bool absl::Mutex::AwaitWithTimeout(const Condition& condition,
                                   Duration timeout) {
  static const auto await =
      Original<bool (*)(Mutex*, const Condition&, Duration)>(
          "_ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_"
          "8DurationE");
  Guarded guarded = {.mutex = this, .condition = &condition};
  __tsan_release(this);
  const bool held = await(this, Condition(&IsTrue, &guarded), timeout);
  __tsan_acquire(this);
  return held;
}

void absl::Notification::Notify() {
  static const auto notify = Original<void (*)(Notification*)>(
      "_ZN4absl7debian312Notification6NotifyEv");
  __tsan_release(this);
  notify(this);
}

void absl::Notification::WaitForNotification() const {
  static const auto wait = Original<void (*)(const Notification*)>(
      "_ZNK4absl7debian312Notification19WaitForNotificationEv");
  wait(this);
  __tsan_acquire(const_cast<Notification*>(this));
}

bool absl::Notification::WaitForNotificationWithTimeout(
    Duration timeout) const {
  static const auto wait = Original<bool (*)(const Notification*, Duration)>(
      "_ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_"
      "8DurationE");
  const bool notified = wait(this, timeout);
  __tsan_acquire(const_cast<Notification*>(this));
  return notified;
}
