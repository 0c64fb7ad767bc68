#include "policy/memory_store.h"
