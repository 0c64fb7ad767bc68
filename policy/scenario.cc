#include "policy/scenario.h"
