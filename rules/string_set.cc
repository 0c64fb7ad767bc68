#include "rules/string_set.h"
