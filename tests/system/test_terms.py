"""The terms of a table, and the verdict on them: each rule of terms_judge, with a real server. What a capture does with
the verdict: test_untracked_*.py and test_key_terms.py.
"""

import pytest

from terms import Terms

TABLE = ("CREATE TABLE t (id int PRIMARY KEY, a text)",)
PARTITIONED = ("CREATE TABLE t (id int PRIMARY KEY, a text, n int) PARTITION BY RANGE (id)",
               "CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (100)",
               "CREATE TABLE high PARTITION OF t FOR VALUES FROM (100) TO (1000)")
ROWS = "INSERT INTO t SELECT n, 'a' || n FROM generate_series(1, 150) n"
VIA_ROOT = "CREATE PUBLICATION {publication} FOR ALL TABLES WITH (publish_via_partition_root = true)"
FRESH = "CREATE TABLE fresh (id int PRIMARY KEY, a text, n int)"
ATTACH = "ALTER TABLE t ATTACH PARTITION fresh FOR VALUES FROM (1000) TO (2000)"
MIDDLE = ("CREATE TABLE middle (id int PRIMARY KEY, a text, n int) PARTITION BY RANGE (id)",
          "CREATE TABLE fresh PARTITION OF middle FOR VALUES FROM (1000) TO (2000)")
ATTACH_MIDDLE = "ALTER TABLE t ATTACH PARTITION middle FOR VALUES FROM (1000) TO (2000)"
INSERT = "INSERT INTO {} VALUES (1001, 'before')"


@pytest.fixture(name="watch")
def watch_table(database, tmp_path):
    """watch(definition, ...): the table's terms, begun to be watched once it has rows."""
    watched = []

    def watch(definition, rows=ROWS, publication=VIA_ROOT, **options):
        if database.connection.server_version < 130000 and "PARTITION" in definition[0]:
            pytest.skip("new in PostgreSQL 13")
        rows = rows if "n int" not in definition[0] or rows != ROWS else ROWS.replace("a' || n", "a' || n, n")
        execute(database, *definition, rows, publication if database.connection.server_version >= 130000
                else publication.split(" WITH")[0])
        watched.append(Terms(database, tmp_path, **options))
        return watched[-1]

    yield watch
    for terms in watched:
        terms.process.communicate()


def execute(database, *statements):
    """Each is a transaction; a tuple is one of several statements."""
    for statement in statements:
        if isinstance(statement, tuple):
            database.transaction(*[one.format(publication=database.publication) for one in statement])
        elif statement:
            database.execute(statement.format(publication=database.publication))


def judged(terms, expected, words="", use="active"):
    change, why = terms.judge(use)
    assert (change, words in why) == (expected, True), why
    return why


# Partitions that came.

CREATED = "CREATE TABLE fresh PARTITION OF t FOR VALUES FROM (1000) TO (2000)"
LARGE = ("ALTER TABLE fresh ALTER a SET STORAGE EXTERNAL",
         "INSERT INTO fresh SELECT n, repeat('large', 1000), n FROM generate_series(1001, 1010) n")
UPDATE = "UPDATE t SET n = 0 WHERE id > 1000"
HARMLESS_PARTITIONS = {
    "created": (CREATED,),
    "created, with rows that came later": (CREATED, INSERT.format("t"), INSERT.format("t").replace("1001", "1002")),
    "created, with rows of a long transaction that came later": (
        CREATED, ("UPDATE t SET a = 'x' WHERE id = 1", INSERT.format("t"))),
    "created with rows in one transaction": ((CREATED, INSERT.format("t")),),
    "created with rows behind a savepoint": ((CREATED, "SAVEPOINT s", INSERT.format("t"), "RELEASE s"),),
    "attached empty": (FRESH, ATTACH),
    "attached empty in one transaction": ((FRESH, ATTACH),),
    "attached empty, with rows that came later": (FRESH, ATTACH, INSERT.format("t")),
    "attached empty, with rows of the same transaction": ((FRESH, ATTACH, INSERT.format("t")),),
    "attached empty in one transaction, with rows that came later": ((FRESH, "CREATE INDEX ON fresh (a)", ATTACH), INSERT.format("t")),
    "attached after its rows were deleted": (FRESH, INSERT.format("fresh"), "DELETE FROM fresh", ATTACH),
    "a tree attached empty": (*MIDDLE, ATTACH_MIDDLE, INSERT.format("t")),
    "attached empty, with large rows that came later": (FRESH, ATTACH, *LARGE),
    "attached empty, with rows that came later and were updated": (FRESH, ATTACH, INSERT.format("t"), UPDATE),
}


@pytest.mark.parametrize("name", HARMLESS_PARTITIONS)
def test_a_partition_that_came_without_rows(database, watch, name):
    terms = watch(PARTITIONED)
    execute(database, *HARMLESS_PARTITIONS[name])
    judged(terms, "shape", "new partition public.fresh")


PARTITIONS_WITH_ROWS = {
    "attached": (FRESH, INSERT.format("fresh"), ATTACH),
    "attached in the transaction that made it": ((FRESH, INSERT.format("fresh"), ATTACH),),
    "filled behind a savepoint": ((FRESH, "SAVEPOINT s", INSERT.format("fresh"), "RELEASE s", ATTACH),),
    "filled behind a savepoint, made before": (FRESH, ("UPDATE t SET a = 'x' WHERE id = 1", "SAVEPOINT s", INSERT.format("fresh"),
                                                       "RELEASE s", ATTACH)),
    "attached behind a savepoint": ((FRESH, INSERT.format("fresh"), "SAVEPOINT s", ATTACH, "RELEASE s"),),
    "attached, and more rows came": (FRESH, INSERT.format("fresh"), ATTACH, "INSERT INTO t VALUES (1002, 'after')"),
    "a tree": (*MIDDLE, INSERT.format("middle"), ATTACH_MIDDLE),
    "a tree in one transaction": ((*MIDDLE, INSERT.format("middle"), ATTACH_MIDDLE),),
    "attached and frozen": (FRESH, INSERT.format("fresh"), "VACUUM FREEZE fresh", ATTACH),
    "large ones, all updated since": (FRESH, *LARGE, ATTACH, UPDATE),
    "large ones, all updated twice since": (FRESH, *LARGE, ATTACH, UPDATE, UPDATE),
    "large ones, all updated since, others deleted": (FRESH, *LARGE, ATTACH, UPDATE, "DELETE FROM t WHERE id = 1001"),
    "large ones, all updated and written to another file since": (FRESH, *LARGE, ATTACH, UPDATE, "VACUUM FULL fresh"),
    "large ones, all updated through an index since": (FRESH, "CREATE INDEX ON fresh (n)", *LARGE, ATTACH, UPDATE),
}


@pytest.mark.parametrize("name", PARTITIONS_WITH_ROWS)
def test_a_partition_that_came_with_rows(database, watch, name):
    terms = watch(PARTITIONED)
    execute(database, *PARTITIONS_WITH_ROWS[name])
    judged(terms, "untracked", "public.fresh, which already had rows")


@pytest.mark.parametrize("meanwhile", ["UPDATE fresh SET a = 'unseen'", "TRUNCATE fresh", "DELETE FROM fresh", "VACUUM fresh"])
def test_a_partition_that_was_detached_and_attached_again(database, watch, meanwhile):
    """Changes made to it meanwhile were not sent, and leave no trace."""
    terms = watch((*PARTITIONED, CREATED, "INSERT INTO t VALUES (1001, 'before')"))
    execute(database, "ALTER TABLE t DETACH PARTITION fresh", meanwhile, ATTACH)
    judged(terms, "untracked", "detached and attached again, public.fresh")


def test_a_later_command_that_may_have_been_an_earlier_one_counts(database, watch):
    """A row after a savepoint has a larger id than its transaction, and so have all later ones. Only the commands'
    numbers distinguish them, if at all; in doubt the table is read again."""
    terms = watch(PARTITIONED)
    execute(database, (FRESH, "CREATE INDEX ON fresh (a)", ATTACH), ("UPDATE t SET a = 'x' WHERE id = 1", INSERT.format("t")))
    judged(terms, "untracked", "public.fresh, which already had rows")


# Partitions that went.

@pytest.mark.parametrize("statements, change, words", [
    (("DROP TABLE low",), "shape", "no deletes are written"),
    (("ALTER TABLE t DETACH PARTITION low",), "untracked", "public.low, which was detached with its rows"),
    (("DELETE FROM t WHERE id < 100", "ALTER TABLE t DETACH PARTITION low"), "shape", "has no rows by now"),
    (("ALTER TABLE t DETACH PARTITION low", "TRUNCATE low"), "untracked", "public.low, which was detached, and truncated"),
    (("TRUNCATE low", "ALTER TABLE t DETACH PARTITION low"), "untracked", "public.low, which was detached, and truncated"),
    (("ALTER TABLE t DETACH PARTITION low", "DROP TABLE low"), "shape", "no deletes are written"),
    (("ALTER TABLE t ADD c int", CREATED, "DROP TABLE low"), "shape", "no deletes are written"),
])
def test_a_partition_that_went(database, watch, statements, change, words):
    terms = watch(PARTITIONED)
    execute(database, *statements)
    judged(terms, change, words)


@pytest.mark.since(14)
def test_a_partition_that_is_being_detached_is_gone_once(database, watch):
    terms = watch(PARTITIONED)
    blocker = database.connect()
    with blocker.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT count(*) FROM t")
        database.execute("SET statement_timeout = '1s'")
        with pytest.raises(Exception, match="statement timeout"):
            database.execute("ALTER TABLE t DETACH PARTITION low CONCURRENTLY")
        database.execute("RESET statement_timeout")
        judged(terms, "untracked", "public.low, which was detached with its rows")
        terms.look()
        cursor.execute("ROLLBACK")
    blocker.close()
    database.execute("ALTER TABLE t DETACH PARTITION low FINALIZE")
    judged(terms, "same")


# Files that are new.

@pytest.mark.parametrize("use", ["active", "by_key", "by_ctid"])
@pytest.mark.parametrize("statement, change, words", [
    ("VACUUM FULL t", "shape", "with all its rows"),
    ("CLUSTER t USING t_pkey", "shape", "with all its rows"),
    ("TRUNCATE t", "emptied", "was emptied or rewritten"),
    ("ALTER TABLE t ALTER a TYPE text USING a || '!'", "emptied", "was emptied or rewritten"),
    ("ALTER TABLE t ADD c uuid DEFAULT gen_random_uuid()", "emptied", "was emptied or rewritten"),
    ("ALTER TABLE t ALTER id TYPE bigint", "shape", "if ALTER TABLE ... USING changed values"),
    ("VACUUM t", "same", ""),
    ("CREATE INDEX ON t (a)", "same", ""),
])
def test_a_new_file(database, watch, use, statement, change, words):
    terms = watch(TABLE)
    execute(database, statement)
    if use == "by_ctid" and change != "same":
        change, words = "other", "read as they are stored"
    judged(terms, change, words, use)


@pytest.mark.parametrize("statements, change, words", [
    (("VACUUM FULL low", "INSERT INTO t VALUES (7000, 'x') ON CONFLICT DO NOTHING"), "shape", "with all its rows"),
    (("TRUNCATE low",), "emptied", "public.low"),
    (("TRUNCATE low", "INSERT INTO t VALUES (7, 'after')"), "emptied", "public.low"),
    (("TRUNCATE low", "INSERT INTO t VALUES (7, 'after')", "VACUUM FULL low"), "emptied", "public.low"),
    (("DROP TABLE rest", "ALTER TABLE t ALTER n TYPE bigint"), "shape", ""),
    (("DROP TABLE rest", "ALTER TABLE t ALTER n TYPE bigint", "UPDATE t SET a = 'x'"), "shape", ""),
    (("DROP TABLE rest", "ALTER TABLE t ALTER n TYPE bigint", "VACUUM FULL low"), "shape", ""),
    (("ALTER TABLE t ALTER n TYPE bigint",), "emptied", "public.rest"),  # which may have had rows before
    (("DROP TABLE rest", "TRUNCATE low", "ALTER TABLE t ALTER n TYPE bigint"), "emptied", "public.low"),
    (("DROP TABLE rest", "ALTER TABLE t ALTER n TYPE bigint", "TRUNCATE low", "INSERT INTO t VALUES (7, 'after')"), "emptied", "public.low"),
    pytest.param(("VACUUM FULL rest",), "shape", "no deletes are written", marks=pytest.mark.since(14)),
    pytest.param(("DELETE FROM low", "CLUSTER low USING low_pkey"), "shape", "no deletes are written", marks=pytest.mark.since(14)),
])
def test_a_new_file_of_a_partition(database, watch, statements, change, words):
    terms = watch(PARTITIONED + ("CREATE TABLE rest PARTITION OF t DEFAULT",))
    execute(database, *statements)
    judged(terms, change, words)


@pytest.mark.parametrize("statements", [
    ("ALTER TABLE t ALTER id TYPE bigint, ADD c uuid DEFAULT gen_random_uuid()",),
    ("ALTER TABLE t ALTER id TYPE bigint, ALTER a TYPE text USING a || '!'",),
    ("ALTER TABLE t ALTER a TYPE text USING a || '!'", "ALTER TABLE t ALTER id TYPE bigint"),
    ("ALTER TABLE t ALTER id TYPE bigint", "ALTER TABLE t ALTER a TYPE text USING a || '!'"),
    ("ALTER TABLE t SET UNLOGGED", "ALTER TABLE t ALTER id TYPE bigint", "ALTER TABLE t SET LOGGED"),
    ("ALTER TABLE t ALTER id TYPE bigint", "TRUNCATE t", "INSERT INTO t VALUES (1, 'after')"),
])
def test_a_column_that_is_one_of_other_integers_hides_no_other_rewrite(database, watch, statements):
    terms = watch(TABLE)
    execute(database, *statements)
    judged(terms, "emptied")


# Keys.

@pytest.mark.parametrize("use", ["active", "by_key", "by_ctid"])
@pytest.mark.parametrize("type_then, type_now, other", [
    ("int", "bigint", False), ("smallint", "int", False), ("varchar(9)", "text", False), ("text", "varchar", False),
    ("int", "numeric", True), ("int", "text", True), ("text", 'text COLLATE "C"', True), ("text", "char(9)", True),
    ('text COLLATE "C"', 'text COLLATE "en-x-icu"', True),
])
def test_the_order_of_a_key(database, watch, use, type_then, type_now, other):
    """It matters as long as rows are read in it."""
    terms = watch((f"CREATE TABLE t (id {type_then} PRIMARY KEY, a text)",),
                  rows=f"INSERT INTO t SELECT n::text::{type_then}, 'a' FROM generate_series(1, 150) n")
    execute(database, f"ALTER TABLE t ALTER id TYPE {type_now}")
    change, why = terms.judge(use)
    assert (change == "other" and "of another order" in why) == (other and use == "by_key"), (change, why)
    assert other or change == "shape" or use == "by_ctid", (change, why)


ENUM = ("CREATE TYPE e AS ENUM ('one', 'two')", "CREATE TABLE t (id e PRIMARY KEY, a text)")


@pytest.mark.parametrize("definition, statement, change, words", [
    (TABLE, "ALTER TABLE t DROP CONSTRAINT t_pkey", "other", "not unique"),
    (TABLE, "ALTER TABLE t RENAME id TO number", "other", "id missing"),
    (TABLE, "ALTER TABLE t DROP CONSTRAINT t_pkey, ALTER id DROP NOT NULL, ADD UNIQUE (id)", "other", "nullable"),
    (TABLE, ("ALTER TABLE t ADD b int", "UPDATE t SET b = id", "ALTER TABLE t DROP COLUMN id", "ALTER TABLE t RENAME b TO id",
             "ALTER TABLE t ADD PRIMARY KEY (id)"), "other", "id 3"),
    (TABLE, ("ALTER TABLE t DROP CONSTRAINT t_pkey", "ALTER TABLE t ADD UNIQUE (id)"), "same", ""),
    (TABLE, ("UPDATE t SET a = id", "ALTER TABLE t ALTER a SET NOT NULL", "CREATE UNIQUE INDEX u ON t (a)",
             "ALTER TABLE t REPLICA IDENTITY USING INDEX u"), "other", "replica identity that does not cover its key any more, at public.t"),
    (PARTITIONED, ("UPDATE t SET a = id", "ALTER TABLE low ALTER a SET NOT NULL",
                   "CREATE UNIQUE INDEX u ON low (a)", "ALTER TABLE low REPLICA IDENTITY USING INDEX u"), "other", "at public.low"),
    (TABLE, ("CREATE UNIQUE INDEX u ON t (id, a)", "ALTER TABLE t DROP CONSTRAINT t_pkey"), "other", "not unique"),
    (TABLE, ("CREATE UNIQUE INDEX u ON t ((id + 1))", "ALTER TABLE t DROP CONSTRAINT t_pkey"), "other", "not unique"),
    (TABLE, ("CREATE UNIQUE INDEX u ON t (id) WHERE id > 5", "ALTER TABLE t DROP CONSTRAINT t_pkey"), "other", "not unique"),
    pytest.param(TABLE, ("CREATE UNIQUE INDEX u ON t (id) INCLUDE (a)", "ALTER TABLE t DROP CONSTRAINT t_pkey"), "same", "",
                 marks=pytest.mark.since(11)),
    (TABLE, ("ALTER TABLE t DROP CONSTRAINT t_pkey", "ALTER TABLE t ADD UNIQUE (id) DEFERRABLE"), "other", "not unique"),
    (TABLE, "ALTER TABLE t REPLICA IDENTITY FULL", "same", ""),
    (TABLE, "ALTER TABLE t REPLICA IDENTITY NOTHING", "same", ""),
    (ENUM, "ALTER TYPE e RENAME VALUE 'two' TO 'second'", "other", "label was renamed"),
    (ENUM, "ALTER TYPE e ADD VALUE 'three'", "shape", ""),
    (("CREATE TYPE e AS ENUM ('one', 'two')", "CREATE DOMAIN d AS e", "CREATE DOMAIN d2 AS d", "CREATE TABLE t (id d2 PRIMARY KEY, a text)"),
     "ALTER TYPE e RENAME VALUE 'two' TO 'second'", "other", "label was renamed"),
])
def test_a_key_that_is_another(database, watch, definition, statement, change, words):
    terms = watch(definition, rows=ROWS if "d2" not in definition[-1] and definition is not ENUM else "INSERT INTO t VALUES ('one')")
    execute(database, statement)
    judged(terms, change, words, "by_key")


# Publication and identity.

@pytest.mark.parametrize("definition, statements, change, words", [
    (TABLE, ("DROP TABLE t",), "away", "is gone"),
    (TABLE, ("ALTER TABLE t RENAME TO u",), "away", "is gone"),
    (TABLE, ("ALTER TABLE t SET UNLOGGED",), "away", "unlogged"),
    (PARTITIONED, ("ALTER TABLE low SET UNLOGGED",), "away", "unlogged"),
    (TABLE, ("ALTER TABLE t SET UNLOGGED", "ALTER TABLE t SET LOGGED"), "emptied", ""),
    (TABLE, (("DROP TABLE t", *TABLE),), "untracked", "another one"),
    (TABLE, ("ALTER PUBLICATION {publication} SET (publish = 'insert')",), "away", "does not publish updates"),
    (TABLE, ("ALTER PUBLICATION {publication} SET (publish = 'insert, update')",), "away", "does not publish deletes"),
    (TABLE, ("ALTER PUBLICATION {publication} SET (publish = 'insert, update, delete')",), "untracked", "altered"),
    (TABLE, ("ALTER PUBLICATION {publication} SET (publish = 'insert')",
             "ALTER PUBLICATION {publication} SET (publish = 'insert, update, delete, truncate')"), "untracked", "altered"),
    (PARTITIONED, ("ALTER PUBLICATION {publication} SET (publish_via_partition_root = false)",), "away", "names of its partitions"),
    (PARTITIONED, ("ALTER PUBLICATION {publication} SET (publish_via_partition_root = false)",
                   "ALTER PUBLICATION {publication} SET (publish_via_partition_root = true)"), "untracked", "altered"),
    (TABLE, ("ALTER TABLE t ADD b int", "UPDATE t SET a = 'x'"), "shape", "other columns"),
])
def test_what_is_sent(database, watch, definition, statements, change, words):
    terms = watch(definition)
    execute(database, *statements)
    judged(terms, change, words)


@pytest.mark.parametrize("statements, change, words", [
    (("ALTER PUBLICATION {publication} DROP TABLE t",), "away", "ADD TABLE ONLY"),
    (("ALTER PUBLICATION {publication} DROP TABLE t", "ALTER PUBLICATION {publication} ADD TABLE t"), "untracked", "again"),
    pytest.param(("ALTER PUBLICATION {publication} SET TABLE t WHERE (id > 5)",), "untracked", "", marks=pytest.mark.since(15)),
    pytest.param(("ALTER PUBLICATION {publication} SET TABLE t (id)",), "untracked", "", marks=pytest.mark.since(15)),
])
def test_an_entry_of_the_publication(database, watch, statements, change, words):
    terms = watch(TABLE, publication="CREATE PUBLICATION {publication} FOR TABLE t")
    execute(database, *statements)
    judged(terms, change, words)


def test_a_replaced_table_cannot_continue_its_backfill(database, watch):
    terms = watch(TABLE)
    execute(database, ("DROP TABLE t", *TABLE))
    judged(terms, "other", "another one", "by_key")


# Rights.

@pytest.mark.parametrize("statements, change, words", [
    ((CREATED,), "shape", "public.fresh"),
    ((CREATED, INSERT.format("t")), "shape", "public.fresh"),
    ((FRESH, INSERT.format("fresh"), ATTACH), "untracked", "public.fresh, which already had rows"),
    (("ALTER TABLE t DETACH PARTITION low",), "untracked", "public.low, which was detached"),
    (("DROP TABLE low",), "shape", "no deletes are written"),
    (("VACUUM FULL low",), "shape", "with all its rows"),
    (("TRUNCATE low",), "emptied", "public.low"),
    (("TRUNCATE low", "INSERT INTO t VALUES (7, 'after')"), "emptied", "public.low"),
])
def test_a_role_that_may_read_the_partitioned_table_alone(database, watch, statements, change, words):
    role = f"reader_{database.name}"
    try:
        terms = watch((*PARTITIONED, f"CREATE ROLE {role} LOGIN PASSWORD 'r3ader'", f"GRANT SELECT ON t TO {role}"),
                      user=role, password="r3ader")
        execute(database, *statements)
        judged(terms, change, words)
    finally:
        database.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}")
