// A thread for each connection, instead of libmilter's pool.
//
// The pool gives a burst of ready connections to two workers
// (sm/libmilter/worker.c): callbacks that wait for Redis would be answered two
// at a time. libmilter calls the pool by two functions that go through the
// dynamic linker; those in libmilter_threads.cc take their place.
#pragma once

namespace gate::milter {

// Does nothing: who calls it links the replacement in.
void UseThreadPerConnection();

}  // namespace gate::milter
