#include "milter/control.h"
