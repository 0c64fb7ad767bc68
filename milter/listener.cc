#include "milter/listener.h"
