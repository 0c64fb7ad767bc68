// floor_libmilter: libmilter as Debian builds it, with its pool of workers.

#include "tests/bench/libmilter_floor.h"

int main(int argc, char** argv) {
  return gate::bench::RunLibmilterFloor(argc, argv);
}
