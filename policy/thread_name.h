// What a thread is for, as ps -L, top -H, perf and gdb show it.
#pragma once

#include <pthread.h>

namespace gate::policy {

// Of the thread that calls. Requires: at most 15 characters.
inline void NameThread(const char* name) {
  pthread_setname_np(pthread_self(), name);
}

}  // namespace gate::policy
