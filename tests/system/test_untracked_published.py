"""Tables, partitions and operations that leave a publication while they are captured."""

import os

import pytest

from again import assert_lives, said_again, wait_until_again, warnings
from connector import PATIENCE
from untracked import FOR_ALL, KEYS, PARTITIONED, ROWS, TABLE, VIA_ROOT, assert_again, execute


def test_a_publication_that_is_gone_while_nothing_is_written(database, begin):
    """The log says what to do, and doing it in time brings the tables back."""
    one, happen = begin((TABLE, FOR_ALL, ("DROP PUBLICATION {publication}",)))
    one.tail = True
    process = one.start().wait_for_active()
    happen()
    process.wait_for(lambda run: "because the publication is gone: create it again" in run.stderr)
    database.execute(FOR_ALL.format(publication=database.publication))
    wait_until_again(process)
    database.execute("UPDATE t SET a = 'newer' WHERE id = 30", "DELETE FROM t WHERE id = 31")
    process.wait_for(lambda run: [record["data"]["_meta"]["op"] for record in run.records_of("t")][-2:] == ["u", "d"])
    one.keep(process.wait_for_state(len(process.records)).stop())
    assert_lives(one, KEYS, {"t": 2, "other": 2})


def test_a_partition_that_is_dropped_is_said_and_not_read_again(database, begin):
    """As old partitions are dropped every month: its rows are gone, and reading the others again would not bring them
    back."""
    one, happen = begin((PARTITIONED, VIA_ROOT, ("DROP TABLE low",)))
    one.tail = True
    process = one.start().wait_for_active()
    happen()
    process.wait_for(lambda run: warnings(run), 20 * PATIENCE)
    database.execute("UPDATE t SET a = 'newer' WHERE id = 30")
    process.wait_for(lambda run: run.records_before_last_state() >= ROWS + 2)
    one.keep(process.stop())
    (warning,) = warnings(process)
    assert "public.t has lost a partition" in warning and not said_again(process)
    assert len(process.records) == ROWS + 2


@pytest.mark.since(13)
@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("option", ["backfill", "fail"])
def test_a_foreign_table_as_a_partition_is_acted_on(database, begin, tmp_path, running, option):
    """Its rows are there to be read, and no change of them is ever sent."""
    os.chmod(tmp_path.parent, 0o755)
    path = f"/tmp/{database.name}_{os.getpid()}.csv"
    with open(path, "w", encoding="ascii") as file:
        file.write("1001,far\n1002,away\n")
    try:
        definition = (PARTITIONED[0].replace(" PRIMARY KEY", " NOT NULL"), *PARTITIONED[1:],
                      "ALTER TABLE low ADD PRIMARY KEY (id)", "ALTER TABLE high ADD PRIMARY KEY (id)",
                      "CREATE EXTENSION IF NOT EXISTS file_fdw", "CREATE SERVER IF NOT EXISTS files FOREIGN DATA WRAPPER file_fdw",
                      "CREATE FOREIGN TABLE far (id int NOT NULL, a text) SERVER files"
                      f" OPTIONS (filename '{path}', format 'csv')",
                      "ALTER TABLE low REPLICA IDENTITY FULL", "ALTER TABLE high REPLICA IDENTITY FULL",
                      "ALTER TABLE t REPLICA IDENTITY FULL")
        one, _ = begin((PARTITIONED, VIA_ROOT, ()), table=definition, on_untracked_change=option)
        one.tail = running
        process = one.start()
        if running:
            process.wait_for_active()
        else:
            one.keep(process.succeed())
        database.execute("ALTER TABLE t ATTACH PARTITION far FOR VALUES FROM (1000) TO (2000)")
        if option == "fail":
            process = process.finish(20 * PATIENCE) if running else one.start().finish()
            assert process.process.returncode == 1 and process.errors[-1]["failure_type"] == "config_error"
            for words in ("public.t", "foreign table public.far", "advanced.on_untracked_change"):
                assert words in process.errors[-1]["message"]
            return
        if running:
            process.wait_for(lambda run: said_again(run), 20 * PATIENCE)
            process.stop()
        else:
            process = one.run()
        assert ["foreign table public.far" in text for text in said_again(process)] == [True], process.story()
    finally:
        os.unlink(path)


@pytest.mark.since(13)
def test_a_root_that_comes_by_its_leaves_for_good_is_said(database, begin):
    """Nothing is sent any more under its name: whatever the option, the log names it."""
    one, _ = begin((PARTITIONED, VIA_ROOT, ()))
    one.tail = True
    process = one.start().wait_for_active()
    one.unreported["t"] = [database.position()]
    execute(database, "ALTER PUBLICATION {publication} SET (publish_via_partition_root = false)", "INSERT INTO t VALUES (101, 'x')")
    process.wait_for(lambda run: any("public.t" in line and "publish_via_partition_root" in line
                                     for line in run.stderr.splitlines()), 20 * PATIENCE)
    execute(database, "ALTER PUBLICATION {publication} SET (publish_via_partition_root = true)")
    if process.process.poll() is None:
        process.process.terminate()
    one.keep(process.finish())
    one.tail = False
    one.run()
    assert_again(one, "via_root")


@pytest.mark.parametrize("operations, missing", [("insert", "updates"), ("insert, update", "deletes"), ("update, delete", "inserts")])
def test_a_publication_that_leaves_something_out_from_now_on(database, capture, operations, missing):
    """Continuing would lose them silently, and without updates no watermark of a backfill comes."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t SELECT n, 'a' FROM generate_series(1, 100) n")
    one = capture(["t"], tail=True, advanced={"check_interval": "1s"})
    process = one.start().wait_for_active()
    one.unreported["t"] = [database.position()]
    execute(database, f"ALTER PUBLICATION {{publication}} SET (publish = '{operations}')")
    process.wait_for(lambda run: f"does not publish {missing}: run ALTER PUBLICATION" in run.stderr, 20 * PATIENCE)
    count = len(process.records)
    database.execute("UPDATE t SET v = 'b' WHERE id < 5", "DELETE FROM t WHERE id > 90", "INSERT INTO t VALUES (101, 'b')")
    execute(database, "ALTER PUBLICATION {publication} SET (publish = 'insert, update, delete, truncate')")
    one.keep(process.wait_for(lambda run: len(run.records) >= count + 91).wait_for_active().stop())
    assert [record["data"]["id"] for record in process.records[-91:]] == [*range(1, 91), 101]
