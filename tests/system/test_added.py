"""A table that is added to a running capture's publication while transactions write to it."""

from contextlib import closing

import pytest

from capture import stream


@pytest.mark.parametrize("key", ["PRIMARY KEY", ""])
def test_writers_from_before_the_table_was_published_are_waited_for(database, capture, key):
    """The stream leaves out what they wrote, and an early snapshot would not show it."""
    database.execute("CREATE TABLE one (id int PRIMARY KEY)", f"CREATE TABLE two (id int {key})", "ALTER TABLE two REPLICA IDENTITY FULL",
                     "INSERT INTO two SELECT generate_series(1, 10)", f"CREATE PUBLICATION {database.publication} FOR TABLE one")
    both = capture(["one"])
    both.run()
    both.streams.append(stream("two"))
    both.tail = True
    with closing(database.connect()) as writer, writer.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO two VALUES (11)")
        process = both.start()
        process.wait_for(lambda run: "waits for" in run.stderr)
        if key:
            database.execute("INSERT INTO one VALUES (1)")
            process.wait_for(lambda run: run.records_of("one"))
        assert not process.records_of("two")
        cursor.execute("COMMIT")
    process.wait_for_active()
    process.wait_for(lambda run: run.records_before_last_state() == len(run.records)).stop()
    both.keep(process)
    ids = sorted(record["data"]["id"] for record in both.records if record["stream"] == "two")
    assert ids == list(range(1, 12))


def test_the_table_before_does_not_wait_with_one_that_is_written_to(database, capture):
    """They share a worker, and a slot that was there before: it does not wait for writers."""
    database.execute("CREATE TABLE one (id int PRIMARY KEY)", "INSERT INTO one SELECT generate_series(1, 100)",
                     "CREATE TABLE two (id int PRIMARY KEY)", f"CREATE PUBLICATION {database.publication} FOR ALL TABLES",
                     f"SELECT pg_create_logical_replication_slot('{database.slot}', 'pgoutput')")
    both = capture(["one", "two"], tail=True, advanced={"backfill_workers": 1})
    with closing(database.connect()) as writer, writer.cursor() as cursor:
        cursor.execute("BEGIN; INSERT INTO two VALUES (1)")
        process = both.start().wait_for(lambda run: len(run.records_of("one")) == 100)
        cursor.execute("COMMIT")
    both.keep(process.wait_for_active().stop())
    both.assert_equal(one=["id"], two=["id"])
