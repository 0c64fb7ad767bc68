#include "rules/compiler.h"
