// The least that a filter on libmilter can cost: every callback answers
// "continue" and does nothing else.
//
//   PROGRAM SOCKET [RECORD]
//
// With a record of mta_load (--record): the steps, actions and macros of the
// recorded filter. Without: all steps, the MTA's own macros. Says "ready" on
// stdout when it listens; ends by a signal.
#pragma once

namespace gate::bench {

// The exit status of the program.
int RunLibmilterFloor(int argc, char** argv);

}  // namespace gate::bench
