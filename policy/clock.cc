#include "policy/clock.h"
