#include "rules/pattern_set.h"
