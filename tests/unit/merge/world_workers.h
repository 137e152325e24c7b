/* The workers' side of the model, and what it needs of the database. */
#ifndef TEST_WORLD_WORKERS_H
#define TEST_WORLD_WORKERS_H

#include "world.h"

/* A worker for each range that the state lists, all at their beginning. */
void world_place_workers(struct world *);

/* The next step of one worker. */
void world_work(struct world *, uint8_t which, uint8_t how);

/* Batches between workers and merger. */
void world_take_queue(struct world *);
void world_drop_queue(struct world *);

/* In world.c */
void world_write_watermark(struct world *, const char *watermark);
void world_snapshot(const struct world *, char *text, size_t size);

#endif
