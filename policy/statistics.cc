#include "policy/statistics.h"
