#include "policy/store.h"
