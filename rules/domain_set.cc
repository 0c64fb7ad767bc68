#include "rules/domain_set.h"
