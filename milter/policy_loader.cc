#include "milter/policy_loader.h"
