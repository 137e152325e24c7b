#include "row/request.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(name, requests_are_of_one_slot)
{
    char *name = request_name("slot");
    cr_expect_str_eq(name, "backfill:slot");
    cr_expect(is_request_name(name, strlen(name), "slot"));
    cr_expect_not(is_request_name(name, strlen(name), "slo"));
    cr_expect_not(is_request_name(name, strlen(name) - 1, "slot"));
    cr_expect_not(is_request_name("slot", 4, "slot"));
    free(name);
}
