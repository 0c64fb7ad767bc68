#include "rules/source.h"
