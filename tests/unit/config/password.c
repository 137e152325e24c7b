/* A password that is in a file. */
#include <stdlib.h>
#include <unistd.h>

#include "parse.h"

TestSuite(password, .init = start, .fini = stop);

/* *path is a pattern for mkstemp. The file's content is the password, as the configuration names
 * it. */
static void name_file(char *path, const char *content)
{
    char json[256];
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
    close(fd);
    snprintf(json, sizeof json, "{\"host\":\"h\",\"user\":\"u\",\"password_file\":\"%s\"}", path);
    parse(json);
}

static void expect_password(const char *content, const char *password)
{
    char path[] = "/tmp/password-XXXXXX";
    name_file(path, content);
    cr_expect_null(config->password);
    cr_assert(config_read_password(config, &err), "%s", err.message);
    cr_expect_str_eq(config->password, password);
    unlink(path);
}

Test(password, is_all_of_the_file_but_a_line_end)
{
    expect_password("s3cret\n", "s3cret");
    expect_password("s3cret", "s3cret");
    expect_password(" s3\ncret \n\n", " s3\ncret \n");
    expect_password("s3cret\r\n", "s3cret");
    expect_password("s3cret\r", "s3cret\r");
}

static void expect_empty(const char *content)
{
    char path[] = "/tmp/password-XXXXXX", message[256];
    name_file(path, content);
    snprintf(message, sizeof message,
             "password_file %s is empty: write the password to it, or take password_file out of "
             "the configuration",
             path);
    cr_assert_not(config_read_password(config, &err));
    cr_expect_str_eq(err.message, message);
    unlink(path);
}

Test(password, a_file_that_is_empty_is_named)
{
    expect_empty("");
    expect_empty("\n");
    expect_empty("\r\n");
}

Test(password, a_file_that_is_not_there_is_named)
{
    parse("{\"host\":\"h\",\"user\":\"u\",\"password_file\":\"/nowhere/at-all\"}");
    cr_assert_not(config_read_password(config, &err));
    cr_assert_str_eq(err.message, "password_file cannot be read from /nowhere/at-all: "
                                  "No such file or directory");
}

Test(password, is_given_in_one_way)
{
    parse("{\"host\":\"h\",\"user\":\"u\",\"password\":\"p\",\"password_file\":\"/f\"}");
    cr_assert_not(config_read_password(config, &err));
    cr_assert_str_eq(err.message, "config: give password or password_file, not both");
    parse("{\"host\":\"h\",\"user\":\"u\",\"password\":\"p\"}");
    cr_assert(config_read_password(config, &err));
    cr_assert_str_eq(config->password, "p");
}
