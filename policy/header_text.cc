#include "policy/header_text.h"
