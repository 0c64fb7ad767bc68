#include "policy/session_facts.h"
