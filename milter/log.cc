#include "milter/log.h"
