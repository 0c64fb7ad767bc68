#include "milter/commands/commands.h"
