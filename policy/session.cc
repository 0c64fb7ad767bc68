#include "policy/session.h"
