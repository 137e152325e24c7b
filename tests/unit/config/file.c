#include "config/file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;
static struct out out;

static void start(void)
{
    out_init(&out, 0);
}

static void stop(void)
{
    out_free(&out);
}

TestSuite(file, .init = start, .fini = stop);

static void write_file(char *path, size_t size)
{
    int fd = mkstemp(path);
    char *data = malloc(size);
    cr_assert_geq(fd, 0);
    memset(data, 'x', size);
    cr_assert_eq(write(fd, data, size), (ssize_t)size);
    free(data);
    close(fd);
}

Test(file, is_appended_whole)
{
    char path[] = "/tmp/file-XXXXXX";
    size_t size = 200000;
    write_file(path, size);
    out_string(&out, "abc");
    cr_assert(file_read("config", path, &out, &err));
    unlink(path);
    cr_assert_eq(out.len, size + 3);
    cr_assert_eq(memcmp(out.data, "abcxxx", 6), 0);
}

Test(file, may_be_empty)
{
    cr_assert(file_read("state", "/dev/null", &out, &err));
    cr_assert_eq(out.len, 0);
}

Test(file, may_be_standard_input)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "{}", 2), 2);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    cr_assert(file_read("config", "-", &out, &err));
    cr_assert_str_eq(out_text(&out), "{}");
}

Test(file, errors_name_it_and_the_reason)
{
    cr_assert_not(file_read("catalog", "/nowhere/c.json", &out, &err));
    cr_assert_eq(err.kind, ERR_CONFIG);
    cr_assert_str_eq(err.message,
                     "catalog cannot be read from /nowhere/c.json: No such file or directory");
    cr_assert_not(file_read("catalog", "/tmp", &out, &err));
    cr_assert_str_eq(err.message, "catalog cannot be read from /tmp: it is a directory");
}

Test(file, may_not_be_endless)
{
    cr_assert_not(file_read("state", "/dev/zero", &out, &err));
    cr_assert_str_eq(err.message, "state cannot be read from /dev/zero: it is larger than 256 MiB");
}
