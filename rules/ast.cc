#include "rules/ast.h"
