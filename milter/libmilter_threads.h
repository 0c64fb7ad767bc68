// A thread for each connection, instead of libmilter's pool.
//
// The pool gives a burst of ready connections to two workers
// (sm/libmilter/worker.c): callbacks that wait for Redis would be answered two
// at a time. libmilter calls the pool by two functions that go through the
// dynamic linker; those in libmilter_threads.cc take their place.
#pragma once

struct smfi_str;  // SMFICTX

namespace gate::milter {

// Links the replacement in. `closed` is called at the end of every connection,
// after xxfi_close or, where libmilter stops without it, instead of it. False:
// the process is about to end, and the connection is left as it is.
// Requires: called before smfi_main.
void UseThreadPerConnection(bool (*closed)(smfi_str* ctx));

}  // namespace gate::milter
