#include "rules/facts.h"
