#include "milter/libmilter_door.h"
