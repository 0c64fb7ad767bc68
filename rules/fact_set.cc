#include "rules/fact_set.h"
