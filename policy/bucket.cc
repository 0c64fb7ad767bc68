#include "policy/bucket.h"
