// For loop*.cc only: handles of libuv.
#pragma once

#include <uv.h>

#include <cstdlib>

namespace gate::policy::uv {

// Handles belong to libuv until it has closed them: they outlive their owner
// by one turn of the loop.
template <class Handle>
void CloseAndDelete(Handle* handle) {
  handle->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(handle), [](uv_handle_t* closed) {
    delete reinterpret_cast<Handle*>(closed);
  });
}

// libuv fails here only without descriptors or memory, before anything runs.
inline void Check(int result) {
  if (result != 0) std::abort();
}

}  // namespace gate::policy::uv
