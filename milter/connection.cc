#include "milter/connection.h"
