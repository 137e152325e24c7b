/* A list in order of priority, under a lock: items are few, and each is minutes of work. */
#include "runtime/queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

struct entry {
    struct entry *next;
    void *item;
    int priority;
};

struct queue {
    pthread_mutex_t lock;
    struct entry *first, *last;
    struct bell **bells;
    size_t bell_count, bell_cap;
};

struct queue *queue_new(void)
{
    struct queue *q = mem_zero(sizeof *q);
    pthread_mutex_init(&q->lock, NULL);
    return q;
}

void queue_free(struct queue **queue)
{
    struct queue *q = *queue;
    *queue = NULL;
    if (q) {
        while (queue_take(q)) {
        }
        pthread_mutex_destroy(&q->lock);
        free((void *)q->bells);
        free(q);
    }
}

void queue_add_bell(struct queue *q, struct bell *bell)
{
    q->bells = mem_grow_array((void *)q->bells, &q->bell_cap, q->bell_count + 1, sizeof *q->bells);
    q->bells[q->bell_count++] = bell;
}

/* Insert after all equally urgent ones: nearly always at the end. */
static void insert(struct queue *q, struct entry *entry)
{
    struct entry **at = &q->first;
    if (q->last && q->last->priority >= entry->priority) {
        at = &q->last->next;
    }
    while (*at && (*at)->priority >= entry->priority) {
        at = &(*at)->next;
    }
    entry->next = *at;
    *at = entry;
    q->last = entry->next ? q->last : entry;
}

void queue_put(struct queue *q, void *item, int priority)
{
    struct entry *entry = mem_alloc(sizeof *entry);
    *entry = (struct entry){.item = item, .priority = priority};
    pthread_mutex_lock(&q->lock);
    insert(q, entry);
    pthread_mutex_unlock(&q->lock);
    for (size_t i = 0; i < q->bell_count; i++) {
        bell_ring(q->bells[i]);
    }
}

static bool any(const void *item, const void *context)
{
    (void)item, (void)context;
    return true;
}

void *queue_take(struct queue *q)
{
    return queue_take_if(q, any, NULL);
}

void *queue_take_if(struct queue *q, bool (*wanted)(const void *item, const void *context),
                    const void *context)
{
    pthread_mutex_lock(&q->lock);
    struct entry *entry = q->first && wanted(q->first->item, context) ? q->first : NULL;
    if (entry) {
        q->first = entry->next;
        q->last = q->first ? q->last : NULL;
    }
    pthread_mutex_unlock(&q->lock);
    void *item = entry ? entry->item : NULL;
    free(entry);
    return item;
}
