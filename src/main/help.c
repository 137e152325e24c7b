/* What --help shows. */
#include "command_line.h"

static const char all[] =
    "source-postgres captures rows and changes of PostgreSQL tables as JSON lines.\n"
    "\n"
    "  source-postgres spec                          describe the configuration\n"
    "  source-postgres check    --config FILE        test the connection and what a capture needs\n"
    "  source-postgres discover --config FILE        list the tables that can be captured\n"
    "  source-postgres read     --config FILE --catalog FILE [--state FILE]\n"
    "                                                capture the catalog's tables\n"
    "  source-postgres read     --config FILE --all [PATTERN] [--tail] [--state FILE]\n"
    "                                                capture all tables of such names\n"
    "  source-postgres                               speak Flow's capture protocol on stdin and "
    "stdout\n"
    "\n"
    "For people:\n"
    "\n"
    "  source-postgres setup-sql --config FILE       print the SQL that a capture still needs\n"
    "  source-postgres status    --config FILE       how a capture stands\n"
    "  source-postgres backfill  --config FILE TABLE...\n"
    "                                                have a capture backfill tables again\n"
    "  source-postgres teardown  --config FILE       drop what a capture has made in the database\n"
    "\n"
    "  --config FILE    endpoint configuration, JSON\n"
    "  --catalog FILE   Airbyte ConfiguredAirbyteCatalog\n"
    "  --state FILE     state of an earlier read, to continue from\n"
    "                   (one of the files can be -, which is standard input)\n"
    "  --log-format FORMAT   of the log on stderr: plain, or json (or LOG_FORMAT in the "
    "environment)\n"
    "  --help           of a command, if one is given; --version\n"
    "\n"
    "Messages go to stdout, one JSON object a line (or records to files: see read --help); logs go "
    "to stderr. LOG_LEVEL in the "
    "environment\n"
    "(error, warn, info, debug) sets how much is logged.\n";

static const char spec[] = "source-postgres spec\n"
                           "\n"
                           "Prints Airbyte's SPEC message: the JSON schema of the configuration.\n";

static const char check[] =
    "source-postgres check --config FILE\n"
    "\n"
    "Prints Airbyte's CONNECTION_STATUS: SUCCEEDED, or FAILED with all that is missing, a line\n"
    "each, with the SQL that mends it. The exit code is 0 for both. Nothing is changed.\n";

static const char discover[] =
    "source-postgres discover --config FILE\n"
    "\n"
    "Prints Airbyte's CATALOG: the tables that the user may read and that can be published.\n";

static const char read[] =
    "source-postgres read --config FILE --catalog FILE [--state FILE]\n"
    "source-postgres read --config FILE --all [PATTERN] [--tail] [--state FILE]\n"
    "                     [--output DIRECTORY [--rotate-mb NUMBER] [--rotate-seconds NUMBER]\n"
    "                     [--compress zstd]] [--metrics-listen ADDRESS] [--metrics-file FILE]\n"
    "\n"
    "Captures the catalog's tables: first all rows, then all changes. With \"tail\" in the "
    "catalog\n"
    "it runs until it is stopped (SIGTERM, Ctrl-C); without, it ends once it has reached what was\n"
    "committed when the rows were out. SIGHUP has the catalog read again.\n"
    "\n"
    "  --all [PATTERN]            capture all tables that can be, or those whose names\n"
    "                             (schema.table) fit the pattern, such as 'shop.*'; they are\n"
    "                             listed again at each start, and at SIGHUP\n"
    "  --tail                     with --all: run until it is stopped\n"
    "  --state FILE               the last STATE message of an earlier run, to go on from\n"
    "  --output DIRECTORY         write the records to files there, a directory a table, and keep\n"
    "                             the state beside them; run again, it goes on from it. Nothing\n"
    "                             goes to stdout\n"
    "  --rotate-mb NUMBER         a file is finished when it is so large; 256 unless given\n"
    "  --rotate-seconds NUMBER    or when its first record is so old; 600 unless given\n"
    "  --compress zstd            compress the files\n"
    "  --metrics-listen ADDRESS   serve /metrics for Prometheus, and /healthz: at PORT, which is "
    "on\n"
    "                             loopback alone, or ADDRESS:PORT (or METRICS_LISTEN in the\n"
    "                             environment)\n"
    "  --metrics-file FILE        write them to a file every few seconds (or METRICS_FILE)\n"
    "\n"
    "The exit code is 0 once it is done or was stopped by a signal, and 1 after an error; the end "
    "of\n"
    "stderr says what failed and what to do.\n";

static const char setup_sql[] =
    "source-postgres setup-sql --config FILE [--catalog FILE] [--admin USER] [--provider NAME]\n"
    "\n"
    "Prints the SQL that the configured user and tables need on this server, for an administrator\n"
    "to run; what is there already is left out. Nothing is changed.\n"
    "\n"
    "  --catalog FILE    for these tables; else for all that can be captured\n"
    "  --admin USER      who will run it, a superuser or a managed service's administrator: ask\n"
    "                    the server as this user. The password comes from PGPASSWORD or\n"
    "                    PGPASSFILE\n"
    "  --provider NAME   postgresql, rds (Aurora too), cloudsql, alloydb, azure, supabase, neon;\n"
    "                    unless given, the server's roles tell\n";

static const char status[] =
    "source-postgres status --config FILE [{--catalog FILE | --all [PATTERN]} [--state FILE]]\n"
    "                       [--json]\n"
    "\n"
    "Shows how a capture stands: its slot, who reads it and how far behind it is, what WAL the\n"
    "server keeps for it, the publication, the tables, and what is wrong.\n"
    "\n"
    "  --catalog FILE   with the tables that it captures\n"
    "  --all [PATTERN]  or with these, where it was started so\n"
    "  --state FILE     and how far this state of it has come (state.json of a directory, too)\n"
    "  --json           as one JSON object\n";

static const char backfill[] =
    "source-postgres backfill --config FILE [--catalog FILE] TABLE...\n"
    "\n"
    "Asks the capture with this configuration to backfill tables again, each named schema.table:\n"
    "their rows come again, and changes go on behind them; its other tables are not touched. The\n"
    "request travels in the stream of changes. A capture that does not run does it when it runs.\n"
    "\n"
    "A table is named as the log and status name it: in its own case, which is not folded as in\n"
    "SQL, and with double quotes, as in SQL, around a part that has a dot or a double quote. A\n"
    "shell wants single quotes around what is not plain:\n"
    "\n"
    "  source-postgres backfill --config FILE public.orders 'public.Order Items' "
    "'public.\"v1.2\"'\n"
    "\n"
    "  --catalog FILE   what the capture captures: a table that is not in it is an error here, "
    "and\n"
    "                   otherwise a warning in the capture's log\n";

static const char teardown[] = "source-postgres teardown --config FILE [--yes]\n"
                               "\n"
                               "Says what a capture that is not coming back has left in the "
                               "database, and drops it once \"yes\"\n"
                               "is typed: the slot, and, where they are the user's and no other "
                               "capture's, the publication and\n"
                               "the watermarks table.\n"
                               "\n"
                               "  --yes   do not ask\n";

const char *command_line_help(enum command about)
{
    switch (about) {
    case COMMAND_SPEC: return spec;
    case COMMAND_CHECK: return check;
    case COMMAND_DISCOVER: return discover;
    case COMMAND_READ: return read;
    case COMMAND_SETUP_SQL: return setup_sql;
    case COMMAND_STATUS: return status;
    case COMMAND_BACKFILL: return backfill;
    case COMMAND_TEARDOWN: return teardown;
    case COMMAND_FLOW:
    case COMMAND_HELP:
    case COMMAND_VERSION: break;
    }
    return all;
}
