#include "milter/daemon.h"
