#include "rules/mail_address.h"
