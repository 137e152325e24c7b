/* What the program's files share: what a command works with, and running a capture. */
#ifndef MAIN_PROGRAM_H
#define MAIN_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "command_line.h"
#include "engine/engine.h"
#include "files/files.h"
#include "runtime/listener.h"

/* What a command does not need stays NULL. */
struct program {
    struct command_line command;
    struct config *config;
    struct tunnel *tunnel;
    struct catalog *catalog;
    struct err unlisted; /* status --all: why there is no catalog */
    struct state state;
    struct files *files; /* that records go to, instead of standard output */
    struct log *log;
    struct run *run;
    uint64_t acknowledged; /* shared: the LSN that the consumer has durably taken */
    int signals;
    int hangups;            /* readable once SIGHUP came; -1: that is not waited for */
    struct queue *catalogs; /* as they were read then, for the engine */
    const char *version;
    bool understood; /* the command line was */
    bool json_logs;
    bool stopped; /* by a signal */
};

/* Take the signal that made `signals` readable. */
void take_signal(struct program *);

/* Read the file that the command line names, or list the tables that it asks for. NULL: err says why
 * not. */
struct catalog *load_catalog(const struct program *, struct err *);

/* all.c: the tables that fit the pattern of the command line, asked of the server. */
struct catalog *catalog_of_all(const struct program *, struct err *);

/* SIGHUP, for a `read`: its catalog file is read again, and what can be used handed to the engine. */
bool wait_for_hangups(struct program *, struct err *);
void take_hangup(struct program *);
void drop_hangups(struct program *);

/* To standard error, in the form of the command, whose words the message gets. */
void say_error(struct program *, struct err *);

/* All of it to standard output; a signal ends it with ERR_STOPPED. */
bool write_out(const struct program *, const struct out *, struct err *);

/* people.c: with the configuration loaded, and the catalog and the state where they are given. */
struct request;
bool people_show(struct program *, bool (*)(const struct request *, struct out *, struct err *),
                 struct err *);
bool people_teardown(struct program *, struct err *);

/* What a capture works with. All of it is borrowed. */
struct work {
    const struct config *config;
    struct catalog *catalog;
    const struct state *state;
    struct codec codec;
    struct listener *listener;
};

/* Capture until complete, stopped by a signal, or failed. A read draws its progress on a terminal. */
bool capture_run(struct program *, const struct work *, struct progress *, struct err *);

/* flow.c: a session of Flow's protocol. */
bool flow_run(struct program *, struct err *);

#endif
