/*
 * A queue of work: any thread may put items in, any may take them out. More urgent items come
 * first, equally urgent ones in the order in which they were put in.
 */
#ifndef RUNTIME_QUEUE_H
#define RUNTIME_QUEUE_H

#include "runtime/bell.h"

struct queue;

struct queue *queue_new(void);
void queue_free(struct queue **); /* items still inside are not freed */

/* Ring this bell, too, when an item comes in. It must outlive the queue. Call it before anything is
 * put in. */
void queue_add_bell(struct queue *, struct bell *);

void queue_put(struct queue *, void *item, int priority);

/* The first item, or NULL. Never waits. */
void *queue_take(struct queue *);

/* The same, but NULL if the first item is not wanted. */
void *queue_take_if(struct queue *, bool (*wanted)(const void *item, const void *context),
                    const void *context);

#endif
