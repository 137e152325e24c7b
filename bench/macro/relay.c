/*
 * A network that is as fast as loopback and as far as it is told to be: hands on what comes from
 * each side, after a delay. Listens on loopback, at a port that it prints, for connections to
 * another port of loopback.
 *
 *   relay PORT MICROSECONDS
 *
 * Each direction of a connection has a thread that receives and one that sends. Between them there
 * is a ring of bytes, larger than what a fast line holds at the largest delay that is measured, and
 * marks that say up to which byte may be sent when.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RING_LEN = 32 << 20, SPAN_LEN = 256 << 10, MARKS = 1 << 16 };
static const int64_t TOGETHER_NS = 20000; // what comes within this time is one mark

static int64_t delay_ns;

struct mark {
    uint64_t end;
    int64_t due_ns;
};

struct direction {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct mark *marks;
    char *ring;
    uint64_t received, sent;           // bytes since the beginning
    uint64_t first_mark, behind_marks; // marks since the beginning
    pthread_t receiver, sender;
    int from, to;
    bool ended; // nothing more comes, or nothing more can be sent
};

struct pair {
    struct direction there, back;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void sleep_until(int64_t at_ns)
{
    const struct timespec at = {at_ns / 1000000000, at_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) {
    }
}

static size_t span(uint64_t position, uint64_t available)
{
    const uint64_t to_wrap = RING_LEN - position % RING_LEN;
    const uint64_t len = available < to_wrap ? available : to_wrap;
    return len < SPAN_LEN ? len : SPAN_LEN;
}

static void finish(struct direction *way)
{
    pthread_mutex_lock(&way->lock);
    way->ended = true;
    pthread_cond_broadcast(&way->changed);
    pthread_mutex_unlock(&way->lock);
}

/* Returns how much there is room for in one piece; 0 when nothing can be sent any more. */
static size_t wait_for_room(struct direction *way)
{
    pthread_mutex_lock(&way->lock);
    while (!way->ended && (way->received - way->sent == RING_LEN ||
                           way->behind_marks - way->first_mark == MARKS)) {
        pthread_cond_wait(&way->changed, &way->lock);
    }
    const size_t room =
        way->ended ? 0 : span(way->received, RING_LEN - (way->received - way->sent));
    pthread_mutex_unlock(&way->lock);
    return room;
}

static void note_received(struct direction *way, size_t len)
{
    const int64_t due_ns = now_ns() + delay_ns;
    pthread_mutex_lock(&way->lock);
    way->received += len;
    struct mark *last = &way->marks[(way->behind_marks - 1) % MARKS];
    if (way->behind_marks > way->first_mark && due_ns - last->due_ns < TOGETHER_NS) {
        last->end = way->received;
    } else {
        way->marks[way->behind_marks++ % MARKS] = (struct mark){way->received, due_ns};
    }
    pthread_cond_broadcast(&way->changed);
    pthread_mutex_unlock(&way->lock);
}

static void *receive(void *argument)
{
    struct direction *way = argument;
    for (size_t room; (room = wait_for_room(way)) > 0;) {
        const ssize_t len = recv(way->from, way->ring + way->received % RING_LEN, room, 0);
        if (len <= 0) {
            break;
        }
        note_received(way, (size_t)len);
    }
    finish(way);
    return NULL;
}

/* Waits until something may be sent; false at the end. */
static bool wait_for_due(struct direction *way, uint64_t *end)
{
    pthread_mutex_lock(&way->lock);
    while (!way->ended && way->first_mark == way->behind_marks) {
        pthread_cond_wait(&way->changed, &way->lock);
    }
    const bool found = way->first_mark < way->behind_marks;
    const struct mark mark = way->marks[way->first_mark % MARKS];
    pthread_mutex_unlock(&way->lock);
    if (found) {
        sleep_until(mark.due_ns);
        *end = mark.end;
    }
    return found;
}

static bool send_up_to(struct direction *way, uint64_t end)
{
    while (way->sent < end) {
        const ssize_t len = send(way->to, way->ring + way->sent % RING_LEN,
                                 span(way->sent, end - way->sent), MSG_NOSIGNAL);
        if (len < 0) {
            return false;
        }
        pthread_mutex_lock(&way->lock);
        way->sent += (uint64_t)len;
        const struct mark *mark = &way->marks[way->first_mark % MARKS];
        way->first_mark += way->sent == mark->end;
        pthread_cond_broadcast(&way->changed);
        pthread_mutex_unlock(&way->lock);
    }
    return true;
}

static void *pass_on(void *argument)
{
    struct direction *way = argument;
    uint64_t end = 0;
    while (wait_for_due(way, &end)) {
        if (!send_up_to(way, end)) {
            finish(way);
            shutdown(way->from, SHUT_RD);
            break;
        }
    }
    shutdown(way->to, SHUT_WR);
    return NULL;
}

static void start_thread(pthread_t *thread, void *(*run)(void *), void *argument)
{
    if (pthread_create(thread, NULL, run, argument) != 0) {
        die("pthread_create");
    }
}

static void begin(struct direction *way, int from, int to)
{
    const int yes = 1;
    setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    *way = (struct direction){.from = from,
                              .to = to,
                              .ring = malloc(RING_LEN),
                              .marks = calloc(MARKS, sizeof(struct mark))};
    if (!way->ring || !way->marks) {
        die("malloc");
    }
    pthread_mutex_init(&way->lock, NULL);
    pthread_cond_init(&way->changed, NULL);
    start_thread(&way->receiver, receive, way);
    start_thread(&way->sender, pass_on, way);
}

static void end(struct direction *way)
{
    pthread_join(way->receiver, NULL);
    pthread_join(way->sender, NULL);
    free(way->ring);
    free(way->marks);
}

static void *watch(void *argument)
{
    struct pair *pair = argument;
    const int client = pair->there.from, server = pair->back.from;
    end(&pair->there);
    end(&pair->back);
    close(client);
    close(server);
    free(pair);
    return NULL;
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void relay(int client, int port)
{
    const struct sockaddr_in address = loopback(port);
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server < 0 || connect(server, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("connect");
        close(server);
        close(client);
        return;
    }
    struct pair *pair = malloc(sizeof(*pair));
    if (!pair) {
        die("malloc");
    }
    begin(&pair->there, client, server);
    begin(&pair->back, server, client);
    pthread_t watcher;
    start_thread(&watcher, watch, pair);
    pthread_detach(watcher);
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof(address);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (const struct sockaddr *)&address, len) != 0 ||
        listen(listener, SOMAXCONN) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
        die("listen");
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: relay PORT MICROSECONDS\n");
        return 2;
    }
    const int port = (int)strtol(argv[1], NULL, 10);
    delay_ns = strtol(argv[2], NULL, 10) * 1000;
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
    const int listener = listen_on_loopback();
    for (;;) {
        const int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0) {
            die("accept");
        }
        relay(client, port);
    }
}
