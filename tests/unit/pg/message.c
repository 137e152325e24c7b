#include "message.h"

#include <criterion/criterion.h>
#include <string.h>

#include "row/relation.h"

static struct out request;

static void set_up(void)
{
    out_init(&request, 1);
}

static void tear_down(void)
{
    out_free(&request);
}

TestSuite(message, .init = set_up, .fini = tear_down);

static void expect_bytes(const char *bytes, size_t len)
{
    cr_assert_eq(request.len, len, "%zu bytes, not %zu", request.len, len);
    cr_assert_arr_eq(request.data, bytes, len);
}

#define EXPECT(bytes) expect_bytes(bytes, sizeof(bytes) - 1)

Test(message, statement_is_parsed_bound_and_executed)
{
    wire_statement(&request, "SELECT 1", NULL);
    EXPECT("P\0\0\0\x10\0SELECT 1\0\0\0"
           "B\0\0\0\x0c\0\0\0\0\0\0\0\0"
           "E\0\0\0\x09\0\0\0\0\0");
}

Test(message, statement_asks_for_each_column_in_its_form)
{
    struct relation *relation = relation_new(2);
    relation->columns[1].text = true;
    wire_statement(&request, "", relation);
    EXPECT("P\0\0\0\x08\0\0\0\0"
           "B\0\0\0\x10\0\0\0\0\0\0\0\2\0\1\0\0"
           "E\0\0\0\x09\0\0\0\0\0");
    relation_free(&relation);
}

Test(message, a_name_is_closed_before_it_is_parsed_again)
{
    wire_prepare(&request, "n", "X");
    wire_execute(&request, "n", NULL, 0, NULL);
    EXPECT("C\0\0\0\7Sn\0"
           "P\0\0\0\x0an\0X\0\0\0"
           "B\0\0\0\x0d\0n\0\0\0\0\0\0\0"
           "E\0\0\0\x09\0\0\0\0\0");
}

Test(message, sync_command_and_data_are_framed)
{
    wire_sync(&request);
    wire_command(&request, "X");
    wire_data(&request, "\0r", 2);
    EXPECT("S\0\0\0\4"
           "Q\0\0\0\6X\0"
           "d\0\0\0\6\0r");
}

Test(message, size_is_known_once_the_header_is_here)
{
    static const char row[] = "D\0\0\0\x0b";
    for (size_t count = 0; count < MESSAGE_HEADER; count++) {
        cr_expect_eq(message_size(row, count), 0, "%zu", count);
    }
    cr_expect_eq(message_size(row, MESSAGE_HEADER), 12);
}

Test(message, no_server_sends_these)
{
    cr_expect_eq(message_size("D\0\0\0\3", 5), SIZE_MAX, "shorter than its own length");
    cr_expect_eq(message_size("D\xff\xff\xff\xff", 5), SIZE_MAX, "longer than memory can be");
    cr_expect_eq(message_size("\0\0\0\0\4", 5), SIZE_MAX, "without type");
    cr_expect_eq(message_size("Z\0\1\0\0", 5), SIZE_MAX, "long, but of a type that is short");
    cr_expect_eq(message_size("D\0\1\0\0", 5), 65537);
}

static struct message notice(const char *fields, size_t len)
{
    return (struct message){'N', (const uint8_t *)fields, len};
}

Test(message, fields_are_found_by_their_code)
{
    static const char fields[] = "VWARNING\0C55000\0Mwords\0";
    struct message m = notice(fields, sizeof fields);
    cr_expect_str_eq(message_field(&m, 'V'), "WARNING");
    cr_expect_str_eq(message_field(&m, 'M'), "words");
    cr_expect_str_empty(message_field(&m, 'H'));
}

Test(message, fields_that_are_cut_short_are_empty)
{
    struct message m = notice("Mwor", 4), none = notice("", 0);
    cr_expect_str_empty(message_field(&m, 'M'));
    cr_expect_str_empty(message_field(&none, 'M'));
}
