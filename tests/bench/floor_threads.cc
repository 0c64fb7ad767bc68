// floor_threads: libmilter with a thread for each connection, as gatemilter's
// own door on libmilter has it.

#include "milter/libmilter_threads.h"
#include "tests/bench/libmilter_floor.h"

int main(int argc, char** argv) {
  gate::milter::UseThreadPerConnection([](smfi_str*) { return true; });
  return gate::bench::RunLibmilterFloor(argc, argv);
}
