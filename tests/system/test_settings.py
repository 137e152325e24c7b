"""Settings of a database, a role or a server must not change a byte of the records."""

import re
import time
from contextlib import closing

import pytest

from connector import run
from database import Database
from refusal import assert_refused
from server import PASSWORD, Server

# Each is the opposite of the setting that a record needs.
SETTINGS = {"DateStyle": "'German, DMY'", "TimeZone": "'Asia/Kathmandu'", "IntervalStyle": "'sql_standard'",
            "extra_float_digits": "-15", "bytea_output": "'escape'", "xmlbinary": "'hex'", "lc_monetary": "'C'",
            "standard_conforming_strings": "off", "search_path": "'nowhere'", "quote_all_identifiers": "on", "array_nulls": "off",
            "default_transaction_read_only": "on", "row_security": "off", "jit": "on", "enable_indexscan": "off"}
ROW = ("INSERT INTO t VALUES ({}, 0.1::float8 + 0.2, '2024-01-15', '2024-01-15 14:30:00.5+02', '1 year 2 days 03:00', '\\x5cff00',"
       " 12.34, '{{2024-01-15 14:30}}', '[2024-01-15,2024-01-16)', '(2024-01-15,0.3)', 1.1, E'back\\\\slash', 'pg_class', '{{1,NULL}}')")
COLUMNS = ("id int PRIMARY KEY, f float8, d date, ts timestamptz, i interval, b bytea, m money, a timestamp[], r tsrange, p pair,"
           " g float4, s text, c regclass, n int[]")


@pytest.fixture(name="others")
def databases_made_for_a_test(server):
    """others(name, encoding): a database in that encoding; dropped at the end."""
    made = []

    def make(name, encoding):
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
        made.append(Database(server, name, create=False))
        return made[-1]

    yield make
    for one in made:
        one.drop()


def bodies(records):
    return [{name: value for name, value in record["data"].items() if name not in ("_meta", "id")} for record in records]


@pytest.mark.parametrize("scope", ["database", "role"])
def test_settings_do_not_show(server, database, capture, scope):
    database.execute("CREATE TYPE pair AS (d date, f float8)", f"CREATE TABLE t ({COLUMNS})", ROW.format(1))
    plain = capture(["t"])
    plain.run()
    of = f"DATABASE {database.name}" if scope == "database" else "ROLE fussy"
    try:
        database.execute("CREATE ROLE fussy SUPERUSER LOGIN PASSWORD 'fussy-pass'",
                         *[f"ALTER {of} SET {name} = {value}" for name, value in SETTINGS.items()])
        database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')")
        fussy = capture(["t"], user="fussy", password="fussy-pass")
        fussy.run()
        database.execute("INSERT INTO t SELECT 2, f, d, ts, i, b, m, a, r, p, g, s, c, n FROM t")
        fussy.run()
    finally:
        database.execute("DROP OWNED BY fussy", "DROP ROLE fussy")
    assert len(fussy.records) == 2
    assert bodies(fussy.records) == bodies(plain.records) * 2
    assert plain.records[0]["data"]["ts"] == "2024-01-15T12:30:00.5Z"


# Each would lead to another server, to other values, or to a failure.
ENVIRONMENT = {"PGTZ": "America/New_York", "PGDATESTYLE": "German", "PGHOSTADDR": "127.0.0.2", "PGHOST": "/nowhere", "PGPORT": "1",
               "PGSERVICE": "none", "PGSERVICEFILE": "/nowhere", "PGSYSCONFDIR": "/nowhere", "PGUSER": "nobody", "PGDATABASE": "none",
               "PGOPTIONS": "-c search_path=nowhere", "PGGEQO": "off", "PGCLIENTENCODING": "LATIN1", "PGSSLMODE": "verify-full",
               "PGSSLROOTCERT": "/nowhere", "PGSSLCERT": "/nowhere", "PGSSLKEY": "/nowhere", "PGSSLCRL": "/nowhere",
               "PGSSLMINPROTOCOLVERSION": "TLSv1.3", "PGREQUIRESSL": "1", "PGREQUIREPEER": "nobody", "PGREQUIREAUTH": "none",
               "PGTARGETSESSIONATTRS": "standby", "PGCHANNELBINDING": "require", "PGCONNECT_TIMEOUT": "1", "PGKRBSRVNAME": "x",
               "PGGSSENCMODE": "require", "PGAPPNAME": "x", "PGLOADBALANCEHOSTS": "random"}
TIMES = ("CREATE TABLE t (id int PRIMARY KEY, tz timestamptz, r tstzrange, a timestamptz[], b tstzrange[], d date, i interval)",
         "INSERT INTO t VALUES (1, '2024-07-15 14:30+02', '[2024-07-15 14:30+02,)', '{2024-01-15 1:00+00}',"
         " '{\"[2024-01-15 01:00+00,2024-07-15 14:30+02]\"}', '2024-07-15', '1 year 2 days 03:00')")


def test_no_variable_of_libpqs_counts_but_the_password(server, database, capture):
    database.execute(*TIMES)
    plain = capture(["t"])
    plain.run()
    database.execute(f"SELECT pg_drop_replication_slot('{database.slot}')")
    fussy = capture(["t"], password=None)
    for statement in (None, "INSERT INTO t SELECT 2, tz, r, a, b, d, i FROM t"):
        database.execute(*[statement] * bool(statement))
        fussy.keep(fussy.start(PGPASSWORD=PASSWORD, **ENVIRONMENT).succeed())
    assert bodies(fussy.records) == bodies(plain.records) * 2


def test_a_server_in_another_monetary_locale(database, capture):
    """Only those locales that are installed can be tried; C and POSIX always are."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, m money)", "INSERT INTO t VALUES (1, 1234.5)")
    for locale in ("de_DE.utf8", "en_GB.utf8", "C.UTF-8"):
        try:
            database.execute(f"ALTER DATABASE {database.name} SET lc_monetary = '{locale}'")
        except Exception:  # not installed
            continue
    one = capture(["t"])
    one.run()
    database.execute("UPDATE t SET m = m")
    one.run()
    assert [record["data"]["m"] for record in one.records] == ["$1,234.50", "$1,234.50"]


@pytest.mark.parametrize("encoding, text", [("LATIN1", "déjà vu ÿ"), ("EUC_JP", "日本語テスト"), ("WIN1251", "Привет"),
                                            ("SQL_ASCII", "plain")])
def test_databases_in_other_encodings_give_utf8(others, capture, encoding, text):
    own = others(f"in_{encoding.lower()}", encoding)
    own.connection.set_client_encoding("UTF8")
    name = text[:4].replace(" ", "_")
    own.execute(f'CREATE TABLE "{name}" (id text PRIMARY KEY, "{name}" text, j json)',
                f"INSERT INTO \"{name}\" SELECT '{text}' || n, '{text}', '{{\"a\":\"{text}\"}}' FROM generate_series(1, 20) n")
    one = capture([name], of=own, advanced={"backfill_chunk_size": 3})
    one.run()
    own.execute(f"UPDATE \"{name}\" SET id = 'x' || id", f"DELETE FROM \"{name}\" WHERE id = 'x{text}3'")
    one.run()
    assert len(one.records) == 20 + 2 * 20 + 1
    assert {record["data"][name] for record in one.records if record["data"]["_meta"]["op"] == "c"} == {text}
    one.materialised({name: ["id"]}).assert_equal(own)


def test_bytes_that_are_no_utf8_are_refused_with_a_remedy(others, capture):
    """SQL_ASCII holds any bytes; the server does not send bytes that are invalid in UTF-8."""
    own = others("in_bytes", "SQL_ASCII")
    own.connection.set_client_encoding("SQL_ASCII")
    own.execute("CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t VALUES (1, 'a'), (23, E'caf\\xe9')")
    one = capture(["t"], of=own)
    process = one.start().finish()
    message = process.errors[0]["message"]
    assert process.errors[0]["failure_type"] == "config_error" and "invalid byte sequence" in message and "correct it" in message
    assert "public.t after the row with the key (1): " in message and "slot" not in message
    own.execute("UPDATE t SET v = 'caf' WHERE id = 23")
    one.keep(process)
    one.run()
    assert [record["data"]["v"] for record in one.records][-1] == "caf"


def test_bytes_that_are_no_utf8_end_replication_too(others, capture):
    own = others("in_bytes_later", "SQL_ASCII")
    own.connection.set_client_encoding("SQL_ASCII")
    own.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    one = capture(["t"], of=own)
    one.run()
    own.execute("INSERT INTO t VALUES (1, E'caf\\xe9')")
    for _ in range(2):  # the WAL still has the invalid value
        process = one.start().finish()
        assert_refused(process, "config_error", "invalid byte sequence", "correct it", "without a state")
        own.execute("UPDATE t SET v = 'caf'")
    own.execute(re.search(r"SELECT pg_drop_replication_slot\('.*?'\)", process.errors[0]["message"])[0])
    one.state = None
    one.run()
    one.assert_equal(t=["id"])


def test_check_and_discover_do_not_mind_settings(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY)",
                     *[f"ALTER DATABASE {database.name} SET {name} = {value}" for name, value in SETTINGS.items()])
    one = capture(["t"])
    found = run("discover", "--config", one.path("config.json", one.config)).succeed()
    assert [stream["name"] for stream in found.of_type("CATALOG")[0]["catalog"]["streams"]] == ["t"]
    status = run("check", "--config", one.path("config.json", one.config)).succeed().of_type("CONNECTION_STATUS")[0]
    assert status["connectionStatus"]["status"] == "SUCCEEDED"


def test_a_query_that_takes_too_long_is_tried_again_for_fewer_rows(database, capture):
    """The server looks up each function of which it prints the name and the arguments."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v regprocedure[])",
                     "INSERT INTO t SELECT n, (SELECT array_agg(oid::regprocedure) FROM (SELECT oid FROM pg_proc LIMIT 100) p)"
                     " FROM generate_series(1, 2000) n")
    one = capture(["t"], advanced={"backfill_chunk_size": 2000, "statement_timeout": "50ms"})
    process = one.run()
    assert "trying with fewer" in process.stderr
    assert [record["data"]["id"] for record in process.records] == list(range(1, 2001))


TIMEOUTS = {"statement_timeout": 10, "lock_timeout": 10, "idle_in_transaction_session_timeout": 10, "idle_session_timeout": 14,
            "transaction_timeout": 17}


@pytest.mark.parametrize("scope", ["database", "role"])
def test_time_limits_of_the_role_or_the_database_do_not_bind(database, capture, user, scope):
    """Neither while something is waited for, nor while nothing is to be done, nor in a large transaction."""
    who = user("SUPERUSER")
    of = f"DATABASE {database.name}" if scope == "database" else f"ROLE {who['user']}"
    names = [name for name, since in TIMEOUTS.items() if database.connection.server_version >= since * 10000]
    unbound = "; ".join(f"SET {name} = 0" for name in names)
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t SELECT n, 'v' FROM generate_series(1, 20000) n",
                     *[f"ALTER {of} SET {name} = '300ms'" for name in names])
    one = capture(["t"], tail=True, advanced={"backfill_chunk_size": 500}, **who)
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute(f"{unbound}; BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        process = one.start()
        time.sleep(2)
        cursor.execute("COMMIT")
    process.wait_for_active()
    with closing(database.connect()) as session, session.cursor() as cursor:
        cursor.execute(unbound + "; UPDATE t SET v = repeat('w', 2000)")
    time.sleep(1)
    one.keep(process.wait_for_state(after=40000).stop())
    assert "will try again" not in process.stderr
    one.assert_equal(t=["id"])


def test_a_server_that_removes_rows_of_old_snapshots_does_not_give_tables_without_a_key(capture):
    """The remedy of the message is followed."""
    with Server(lifetime_s=120) as server:
        own = Database(server)
        if own.connection.server_version >= 170000:
            pytest.skip("the server has no such setting any more")
        own.execute("CREATE TABLE keyed (id int PRIMARY KEY)", "CREATE TABLE keyless (id int)", "ALTER TABLE keyless REPLICA IDENTITY FULL",
                    "INSERT INTO keyless VALUES (1)")
        set_threshold(own, "ALTER SYSTEM SET old_snapshot_threshold = '1min'")
        process = capture(["keyless"], of=own).start().finish()
        assert_refused(process, "config_error", "old_snapshot_threshold is 1min")
        capture(["keyed"], of=own).run()
        set_threshold(own, re.search("ALTER SYSTEM SET .*= -1", process.errors[0]["message"])[0])
        assert len(capture(["keyless"], of=own).run().records) == 1
        own.connection.close()


def set_threshold(database, statement):
    database.execute(statement)
    database.server.restart()
    database.reconnect()
