#include "rules/domain_name.h"
