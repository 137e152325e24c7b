/* Faked names: slow ones, unknown ones, and ones with several addresses. */
#include "pg/resolve.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "fake_server.h"

typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* Replaces the library's. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    look_up *real = (look_up *)dlsym(RTLD_NEXT, "getaddrinfo");
    struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    if (!host || !strstr(host, ".test") || (hints && hints->ai_flags & AI_NUMERICHOST)) {
        return real(host, service, hints, found);
    }
    if (!strcmp(host, "slow.test")) {
        sleep(2);
    }
    if (!strcmp(host, "none.test")) {
        return EAI_NONAME;
    }
    if (!strcmp(host, "later.test")) {
        return EAI_AGAIN;
    }
    real("127.0.0.2", NULL, &numeric, found);
    struct addrinfo **next = &(*found)->ai_next;
    for (int i = 1; i < (strcmp(host, "many.test") ? 2 : ADDRESSES); i++) {
        real("127.0.0.3", NULL, &numeric, next);
        next = &(*next)->ai_next;
    }
    return 0;
}

static struct addresses addresses;
static struct err err;

static bool find(const char *host, int stop_fd)
{
    return resolve(host, stop_fd, 30 * 1000 * 1000, &addresses, &err);
}

Test(resolve, all_addresses_of_a_name)
{
    cr_assert(find("two.test", -1), "%s", err.message);
    cr_assert_eq(addresses.count, 2);
    cr_expect_str_eq(addresses.text[0], "127.0.0.2");
    cr_expect_str_eq(addresses.text[1], "127.0.0.3");
}

Test(resolve, what_is_not_a_name_is_not_looked_up)
{
    static const char *const none[] = {"/var/run/postgresql", "@abstract", "127.0.0.1", "::1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        cr_assert(find(none[i], -1));
        cr_expect_eq(addresses.count, 0);
    }
}

Test(resolve, an_unknown_name_is_the_users_to_fix_and_a_silent_name_server_is_not)
{
    cr_assert_not(find("none.test", -1));
    cr_expect_eq(err.kind, ERR_CONFIG);
    cr_assert_not(find("later.test", -1));
    cr_expect_eq(err.kind, ERR_TRANSIENT);
    cr_assert_not(resolve("slow.test", -1, 100 * 1000, &addresses, &err));
    cr_expect_eq(err.kind, ERR_TRANSIENT);
}

Test(resolve, a_stop_is_heard_meanwhile)
{
    int stop = eventfd(1, EFD_CLOEXEC);
    int64_t begun_us = clock_monotonic_us();
    cr_assert_not(find("slow.test", stop));
    cr_expect_eq(err.kind, ERR_STOPPED);
    cr_expect_lt(clock_monotonic_us() - begun_us, 1000 * 1000);
    sleep(3); /* the look-up ends after its caller has left */
    close(stop);
}

/* Listen on that address of loopback; *port 0: any. */
static int listen_on(const char *address, int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    socklen_t len = sizeof at;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, address, &at.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    cr_assert(!bind(fd, (struct sockaddr *)&at, len) && !listen(fd, 4));
    cr_assert(!getsockname(fd, (struct sockaddr *)&at, &len));
    *port = ntohs(at.sin_port);
    return fd;
}

static void *let_in(void *listener)
{
    fake_let_in(accept(*(int *)listener, NULL, NULL), NULL);
    return NULL;
}

static void connects_to_the_second(const char *name, bool silent)
{
    static char user[] = "u", sslmode[] = "disable";
    char host[16];
    pthread_t thread;
    int port = 0, listener = listen_on("127.0.0.3", &port);
    int first = silent ? listen_on("127.0.0.2", &port) : -1; /* never accepts */
    struct config config = {.host = strcpy(host, name),
                            .port = port,
                            .user = user,
                            .database = user,
                            .sslmode = sslmode};
    cr_assert(!pthread_create(&thread, NULL, let_in, &listener));
    struct pg *pg = pg_open(&config, PG_SQL, "test", -1, &err);
    cr_assert(pg, "%s", err.message);
    pthread_join(thread, NULL);
    pg_close(&pg);
    close(listener);
    close(first);
}

Test(connect, an_address_that_does_not_answer_is_followed_by_the_next)
{
    connects_to_the_second("two.test", false);
}

Test(connect, an_address_that_swallows_everything_takes_its_share_of_the_time_alone)
{
    int64_t begun_us = clock_monotonic_us();
    connects_to_the_second("many.test", true);
    cr_expect_lt(clock_monotonic_us() - begun_us, 10 * 1000 * 1000);
}
