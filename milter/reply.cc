#include "milter/reply.h"
