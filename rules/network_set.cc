#include "rules/network_set.h"
