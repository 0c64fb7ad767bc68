#include "policy/engine.h"
