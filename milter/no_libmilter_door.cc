// Stands in for libmilter_door.cc in a build without libmilter.
#include "milter/door.h"

namespace gate::milter {

absl::StatusOr<std::unique_ptr<Door>> MakeLibmilterDoor(const DoorContext&,
                                                        const DoorSocket&) {
  return absl::UnimplementedError(
      "this gatemilter was built without libmilter; write `set door native`");
}

}  // namespace gate::milter
