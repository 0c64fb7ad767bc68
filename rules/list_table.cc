#include "rules/list_table.h"
