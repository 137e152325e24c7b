"""What the chaos test does to whole tables beside its writers, and what the records may then lack or repeat.

Each change is made in a transaction that has locked the table, and knows its position in the WAL: whatever committed to
the table before lies before it. `unreported`: the stream does not report all of it, so the table has to be backfilled
again after it. `rewrites`: the stream reports all of it, but the rows are stored elsewhere then, so it may be
backfilled again. `truncations`: rows before it are gone.
"""

import random
import threading
import time
from contextlib import closing

import psycopg2
from psycopg2 import errors

from oracle import Oracle, Versions

ROWS = 600
PARTS_MOST = 40
# Errors that statements of one session get after another has changed the table.
CONCURRENT_DDL = (errors.UndefinedTable, errors.UndefinedColumn, errors.DeadlockDetected, errors.LockNotAvailable,
                  errors.DatatypeMismatch, errors.DuplicateTable)

# name: how it is made; rows come from FILL
TABLES = {
    "d_columns": "CREATE TABLE d_columns (id int PRIMARY KEY, n int, big text, s text DEFAULT 's')",
    "d_rewritten": "CREATE TABLE d_rewritten (id int PRIMARY KEY, n int, big text)",
    "d_truncated": "CREATE TABLE d_truncated (id int PRIMARY KEY, n int, big text)",
    "d_recreated": "CREATE TABLE d_recreated (id int PRIMARY KEY, n int, big text)",
    "d_retyped": "CREATE TABLE d_retyped (id int PRIMARY KEY, n int, big text)",
    "d_parts": "CREATE TABLE d_parts (id int PRIMARY KEY, n int, big text) PARTITION BY RANGE (id);"
               " CREATE TABLE d_part_1 PARTITION OF d_parts FOR VALUES FROM (0) TO (200);"
               " CREATE TABLE d_part_2 PARTITION OF d_parts FOR VALUES FROM (200) TO (400);"
               " CREATE TABLE d_part_3 PARTITION OF d_parts FOR VALUES FROM (400) TO (100000)",
    "d_labels": "CREATE TYPE d_label AS ENUM ('a', 'b'); CREATE TYPE d_pair AS (label d_label, m int);"
                " CREATE TABLE d_labels (k d_pair DEFAULT ROW('a', 1), id int, n int, big text, PRIMARY KEY (k, id), UNIQUE (id))",
    "d_unkeyed": "CREATE TABLE d_unkeyed (id bigint, v bigint, n int, big text)",
}
STORAGE = [f"ALTER TABLE {name} ALTER big SET STORAGE EXTERNAL" for name in TABLES if name not in ("d_parts", "d_unkeyed")]
KEYED = [name for name in TABLES if name != "d_unkeyed"]


def fill(table, first=1, last=ROWS):
    return (f"INSERT INTO {table} (id, n, big) SELECT n, n, repeat(md5(n::text), 80)"
            f" FROM generate_series({first}, {last}) n ON CONFLICT DO NOTHING")


def create(database):
    database.execute("CREATE SEQUENCE versions", *TABLES.values(), *STORAGE, *[fill(name) for name in KEYED],
                     "ALTER TABLE d_unkeyed REPLICA IDENTITY FULL",
                     f"INSERT INTO d_unkeyed SELECT n, nextval('versions'), n, 'x' FROM generate_series(1, {ROWS}) n")
    return {**{name: ["id"] for name in KEYED}, "d_labels": ["k", "id"], "d_unkeyed": None}


def changes(table):
    """Changes that writers make to a table's rows. The literals are of whatever type the column has now."""

    def make(chance):
        one, two = chance.randint(1, ROWS), chance.randint(1, ROWS * 2)
        return [chance.choice((
            f"UPDATE {table} SET n = '{two}' WHERE id = '{one}'",
            f"UPDATE {table} SET big = repeat(md5(n::text), {chance.randint(1, 90)}) WHERE id = '{one}'",
            f"DELETE FROM {table} WHERE id = '{one}' AND id <> '1'",
            f"INSERT INTO {table} (id, n, big) VALUES ('{two}', {two}, 'new') ON CONFLICT DO NOTHING",
            f"UPDATE {table} SET id = '{two}' WHERE id = '{one}' AND id <> '1'"
            f" AND NOT EXISTS (SELECT FROM {table} WHERE id = '{two}')",
        ))]

    return make


def changes_with_savepoints(chance):
    """Changes to the table without key, some of which are rolled back. No id is given twice."""
    one = chance.randint(1, ROWS)
    return ["SAVEPOINT one", "INSERT INTO d_unkeyed SELECT nextval('versions') + 1000000, nextval('versions'), 1, 'new'",
            f"UPDATE d_unkeyed SET v = nextval('versions') WHERE id = {one}", "SAVEPOINT two",
            f"DELETE FROM d_unkeyed WHERE id = {chance.randint(1, ROWS)} AND id <> 1",
            chance.choice(("RELEASE one", "RELEASE two", "ROLLBACK TO two", "ROLLBACK TO one")),
            f"UPDATE d_unkeyed SET v = nextval('versions'), n = {one} WHERE id = {chance.randint(1, ROWS)}",
            *(["SELECT pg_sleep(0.05)"] if chance.random() < 0.1 else [])]


def writers_changes():
    return [*[changes(name) for name in KEYED], changes_with_savepoints]


class Upheaval(threading.Thread):
    """Changes the tables themselves until it is stopped, and remembers which changes the stream does not report."""

    def __init__(self, database, captured, seed, lost_connection):
        super().__init__(daemon=True)
        self.database, self.lost_connection = database, lost_connection
        self.random = random.Random(seed)
        self.stopping = threading.Event()
        self.failure = None
        self.in_order = False
        self.serial = 0
        self.log = []
        self.unreported = {name: [] for name in captured}
        self.rewrites = {name: 0 for name in captured}
        self.truncations = {name: [] for name in captured}
        self.actions = [self.columns] * 4 + [self.rewrite, self.truncate, self.recreate, self.rename, self.retype, self.labels,
                                             self.partitions, self.partitions, self.vacuum, self.publication]

    def run(self):
        while not self.in_order:
            try:
                with closing(self.database.connect()) as connection, connection.cursor() as cursor:
                    cursor.execute("SET lock_timeout = '5s'")
                    while not self.stopping.is_set():
                        self.one(cursor, self.random.choice(self.actions))
                        self.stopping.wait(self.random.choice((0.05, 0.3, 0.8)))
                    self.one(cursor, self.put_in_order)
            except Exception as error:
                if not self.lost_connection(error):
                    self.failure = error
                    return
                time.sleep(0.05)

    def one(self, cursor, action):
        try:
            action(cursor)
        except (*CONCURRENT_DDL, psycopg2.IntegrityError) as error:
            cursor.execute("ROLLBACK")
            self.log.append(f"{action.__name__}: {str(error).splitlines()[0]}")
        except errors.InternalError_ as error:
            if "concurrently" not in str(error):
                raise
            cursor.execute("ROLLBACK")

    def alter(self, cursor, table, *statements, note=None):
        """Run all in one transaction that has locked the table. `note` gets its position once no other session can
        write."""
        cursor.execute(f"BEGIN; LOCK TABLE {table}")
        if note is not None:
            note.append(position(cursor))
        try:
            for statement in statements:
                cursor.execute(statement)
        except psycopg2.Error as error:
            if note is not None and error.pgcode:
                note.pop()
            raise
        cursor.execute("COMMIT")
        self.log.append(f"{table}: {'; '.join(statements)[:150]}")

    # Changes that the stream reports.

    def columns(self, cursor):
        """None of them is a column of the key."""
        self.serial += 1
        existing = self.columns_of(cursor, "d_columns")
        added = [name for name in existing if name.startswith("c_")]
        choice = self.random.choice(("add", "drop", "rename", "type", "identity"))
        if choice == "add" or not added:
            what = f"ADD c_{self.serial} {self.random.choice(('int DEFAULT 7', 'text', 'timestamptz', 'numeric(9, 2)[]'))}"
        elif choice == "drop":
            what = f"DROP {self.random.choice(added)}"
        elif choice == "rename":
            what = f"RENAME {self.random.choice(added)} TO c_{self.serial}"
        elif choice == "type":
            what = self.random.choice((  # the first one and its reverse rewrite the table, and change no value
                f"ALTER n TYPE {'bigint' if existing['n'] == 'integer' else 'int'}",
                f"ALTER s TYPE {'varchar' if existing['s'] == 'text' else 'text'}"))
            self.rewrites["d_columns"] += 1
        else:
            what = f"REPLICA IDENTITY {self.random.choice(('FULL', 'DEFAULT', 'USING INDEX d_columns_pkey'))}"
        self.alter(cursor, "d_columns", f"ALTER TABLE d_columns {what}")

    def columns_of(self, cursor, table):
        cursor.execute("SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass"
                       " AND attnum > 0 AND NOT attisdropped", (table,))
        return dict(cursor.fetchall())

    def truncate(self, cursor):
        self.rewrites["d_truncated"] += 1
        self.alter(cursor, "d_truncated", "TRUNCATE d_truncated", fill("d_truncated", 1, self.random.randint(1, 50)),
                   note=self.truncations["d_truncated"])

    def vacuum(self, cursor):
        table = self.random.choice(("d_columns", "d_truncated", "d_unkeyed"))
        self.rewrites[table] += 1
        cursor.execute(f"VACUUM {self.random.choice(('', 'FULL '))}{table}")
        self.log.append(f"{table}: vacuumed")

    # Changes that it does not report.

    def rewrite(self, cursor):
        self.alter(cursor, "d_rewritten", *self.random.choice((
            ["ALTER TABLE d_rewritten ALTER n TYPE int USING n + 1"],
            ["ALTER TABLE d_rewritten ALTER big TYPE text USING left(big, 500) || 'y'"],
            ["ALTER TABLE d_rewritten SET UNLOGGED", "UPDATE d_rewritten SET n = n + 1 WHERE id % 7 = 0",
             "DELETE FROM d_rewritten WHERE id = 77", "ALTER TABLE d_rewritten SET LOGGED"])),
            note=self.unreported["d_rewritten"])

    def rename(self, cursor):
        """What is written to it meanwhile comes by the other name."""
        self.alter(cursor, "d_recreated", "ALTER TABLE d_recreated RENAME TO d_aside", "UPDATE d_aside SET n = n + 1 WHERE id % 5 = 0",
                   "DELETE FROM d_aside WHERE id = 55", "ALTER TABLE d_aside RENAME TO d_recreated", note=self.unreported["d_recreated"])

    def labels(self, cursor):
        """A label gets another name, and another one its old name; or the type of which it is a part gets an attribute."""
        self.serial += 1
        cursor.execute("SELECT enum_first(NULL::d_label)")
        label = cursor.fetchone()[0]
        renamed = [f"ALTER TYPE d_label RENAME VALUE '{label}' TO 'l_{self.serial}'"]
        self.alter(cursor, "d_labels", *self.random.choice((
            renamed, [*renamed, f"ALTER TYPE d_label ADD VALUE '{label}' AFTER 'l_{self.serial}'"],
            [f"ALTER TYPE d_pair ADD ATTRIBUTE more_{self.serial} int"])), note=self.unreported["d_labels"])

    def recreate(self, cursor):
        self.alter(cursor, "d_recreated", "DROP TABLE d_recreated", TABLES["d_recreated"],
                   "ALTER TABLE d_recreated ALTER big SET STORAGE EXTERNAL", fill("d_recreated", 1, self.random.randint(1, ROWS)),
                   note=self.unreported["d_recreated"])

    def retype(self, cursor):
        known = self.columns_of(cursor, "d_retyped")["id"]
        to = self.random.choice([one for one in ("integer", "bigint", "text", "numeric") if one != known])
        same = {known, to} == {"integer", "bigint"}
        if same:
            self.rewrites["d_retyped"] += 1
        self.alter(cursor, "d_retyped", f"ALTER TABLE d_retyped ALTER id TYPE {to} USING id::{to}",
                   note=None if same else self.unreported["d_retyped"])

    def partitions(self, cursor):
        """A leaf is detached, changed and attached again; truncated; attached with rows, which are all updated or not;
        and created empty, which does not count as a change."""
        unreported = self.unreported["d_parts"]
        self.serial += 1
        first = 100000 + 1000 * (self.serial % PARTS_MOST)
        name = f"d_part_new_{self.serial % PARTS_MOST}"
        self.random.choice((
            lambda: self.toggle(cursor),
            lambda: self.alter(cursor, "d_parts", "TRUNCATE d_part_1", fill("d_parts", 1, 20), note=unreported),
            lambda: self.attach(cursor, name, first, unreported),
            lambda: self.alter(cursor, "d_parts", f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF d_parts FOR VALUES FROM ({first}) TO ({first + 1000})",
                               fill("d_parts", first, first + 10))))()

    def attach(self, cursor, name, first, unreported):
        """In two transactions: the rows are there before."""
        cursor.execute(f"CREATE TABLE {name} (LIKE d_parts INCLUDING ALL); ALTER TABLE {name} ALTER big SET STORAGE EXTERNAL; "
                       + fill(name, first, first + 10))
        self.alter(cursor, "d_parts", f"ALTER TABLE d_parts ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({first + 1000})",
                   *[f"UPDATE d_parts SET n = n + 1 WHERE id >= {first}"] * self.random.randint(0, 1), note=unreported)

    def toggle(self, cursor):
        cursor.execute("SELECT relispartition FROM pg_class WHERE oid = 'd_part_2'::regclass")
        if cursor.fetchone()[0]:
            statements = ["ALTER TABLE d_parts DETACH PARTITION d_part_2", "UPDATE d_part_2 SET n = n + 1 WHERE id % 3 = 0"]
        else:
            statements = ["ALTER TABLE d_parts ATTACH PARTITION d_part_2 FOR VALUES FROM (200) TO (400)"]
        self.alter(cursor, "d_parts", *statements, note=self.unreported["d_parts"])

    def publication(self, cursor):
        """Two changes of what is published of each table: off, and on again."""
        if self.random.random() < 0.5:
            return
        off = self.random.choice(("publish = 'insert'", "publish = 'insert, update'"))  # no run begins meanwhile
        self.note_publication(cursor)
        cursor.execute(f"ALTER PUBLICATION {self.database.publication} SET ({off})")
        self.stopping.wait(self.random.choice((0, 0.1, 1.5)))
        self.put_publication_on(cursor)

    def note_publication(self, cursor):
        """The tables that the change may concern: a table cannot know that it was not concerned."""
        here = position(cursor)
        for positions in self.unreported.values():
            positions.append(here)

    def put_publication_on(self, cursor):
        self.note_publication(cursor)
        cursor.execute(f"ALTER PUBLICATION {self.database.publication} SET (publish = 'insert, update, delete, truncate',"
                       " publish_via_partition_root = true)")
        self.log.append("the publication was changed for a while")

    def put_in_order(self, cursor):
        """At the end, make sure that all that is to be compared exists and is published."""
        cursor.execute("SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate AND pubviaroot FROM pg_publication")
        if not cursor.fetchone()[0]:
            self.put_publication_on(cursor)
        self.alter(cursor, "d_columns", "UPDATE d_columns SET id = id")  # rows from before a column was added come with it
        self.in_order = True

    # What the records may lack or repeat.

    def oracles(self, keys):
        """Of all captured tables, by what was done to them."""
        oracles = {name: Versions("public", name) if key is None else Oracle(
            "public", name, key, lives=1 + len(self.unreported[name]) + self.rewrites[name]) for name, key in keys.items()}
        for name, oracle in oracles.items():
            oracle.unreported, oracle.truncations = list(self.unreported[name]), list(self.truncations[name])
        oracles["d_columns"].ignores_other_columns = True
        return oracles


def position(cursor):
    cursor.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")
    return cursor.fetchone()[0]
