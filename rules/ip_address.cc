#include "rules/ip_address.h"
