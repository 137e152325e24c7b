/*
 * getaddrinfo cannot be interrupted, and waits for name servers for minutes if it must. So it has a
 * thread of its own: the only one outside of runtime, which is given nothing but the name. A
 * capture that stops does not wait for it.
 */
#include "pg/resolve.h"

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

struct lookup {
    char *host;
    int done; /* an eventfd */
    int error;
    struct addrinfo *found;
    atomic_flag left; /* by the first of the two who use it; the second one cleans up */
};

static void leave(struct lookup *l)
{
    if (atomic_flag_test_and_set(&l->left)) {
        if (l->found) {
            freeaddrinfo(l->found);
        }
        close(l->done);
        free(l->host);
        free(l);
    }
}

static void *look_up(void *context)
{
    struct lookup *l = context;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    uint64_t one = 1;
    l->error = getaddrinfo(l->host, NULL, &hints, &l->found);
    if (write(l->done, &one, sizeof one) < 0) {
        /* Its counter cannot be full. */
    }
    leave(l);
    return NULL;
}

static bool begin(struct lookup *l, const char *host, struct err *err)
{
    pthread_t thread;
    *l = (struct lookup){
        .host = mem_string(host), .done = eventfd(0, EFD_CLOEXEC), .left = ATOMIC_FLAG_INIT};
    int error = l->done < 0 ? -1 : pthread_create(&thread, NULL, look_up, l);
    if (error) {
        atomic_flag_test_and_set(&l->left); /* for the thread */
        return err_set(err, ERR_SYSTEM, "cannot start to look up host name \"%s\"", host);
    }
    pthread_detach(thread);
    return true;
}

static void take_addresses(struct addresses *addresses, const struct addrinfo *found)
{
    for (; found && addresses->count < ADDRESSES; found = found->ai_next) {
        char *text = addresses->text[addresses->count];
        if (!getnameinfo(found->ai_addr, found->ai_addrlen, text, ADDRESS_TEXT, NULL, 0,
                         NI_NUMERICHOST)) {
            addresses->count++;
        }
    }
}

static bool take_result(const struct lookup *l, struct addresses *addresses, struct err *err)
{
    switch (l->error) {
    case 0: take_addresses(addresses, l->found); return true;
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return err_set(err, ERR_CONFIG, "the host name \"%s\" is not known", l->host);
    default:
        return err_set(err, ERR_TRANSIENT, "the host name \"%s\" cannot be looked up now: %s",
                       l->host, gai_strerror(l->error));
    }
}

/* Nothing but a name has to be looked up. */
static bool is_name(const char *host)
{
    struct addrinfo *found = NULL, hints = {.ai_family = AF_UNSPEC, .ai_flags = AI_NUMERICHOST};
    bool name = *host != '/' && *host != '@' && getaddrinfo(host, NULL, &hints, &found) != 0;
    if (found) {
        freeaddrinfo(found);
    }
    return name;
}

bool resolve(const char *host, int stop_fd, int64_t timeout_us, struct addresses *addresses,
             struct err *err)
{
    *addresses = (struct addresses){0};
    if (!is_name(host)) {
        return true;
    }
    struct lookup *l = mem_zero(sizeof *l);
    bool ok = begin(l, host, err);
    if (ok) {
        struct pollfd fds[2] = {{l->done, POLLIN, 0}, {stop_fd, POLLIN, 0}};
        struct timespec limit = {timeout_us / 1000000, timeout_us % 1000000 * 1000};
        int ready = ppoll(fds, 2, &limit, NULL);
        ok = ready > 0 && fds[1].revents ? err_set(err, ERR_STOPPED, "stopped")
             : ready > 0
                 ? take_result(l, addresses, err)
                 : err_set(err, ERR_TRANSIENT, "the host name \"%s\" was not found within %d s",
                           host, (int)(timeout_us / 1000000));
    }
    leave(l);
    return ok;
}
