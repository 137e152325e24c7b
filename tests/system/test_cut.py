"""Chunks that are cut because their rows are wide: each row comes once."""

ROWS = 6000


def test_rows_of_chunks_that_are_cut_come_once(database, capture):
    database.execute("CREATE TABLE t (id int PRIMARY KEY, big text)", "ALTER TABLE t ALTER big SET STORAGE EXTERNAL",
                     f"INSERT INTO t SELECT n, repeat(chr(97 + n % 26), 10000) FROM generate_series(1, {ROWS}) n")
    one = capture(["t"], advanced={"memory_limit_mb": 16})
    process = one.run()
    assert [record["data"]["id"] for record in process.records] == list(range(1, ROWS + 1))


def test_a_chunk_whose_last_row_fills_its_batch_ends_with_it(database, capture):
    """Each row takes more than a batch holds: nothing is left for the last batch of a chunk."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, big text)", "ALTER TABLE t ALTER big SET STORAGE EXTERNAL",
                     "INSERT INTO t SELECT n, repeat(chr(97 + n % 26), 2000000) FROM generate_series(1, 9) n")
    process = capture(["t"], advanced={"backfill_chunk_size": 2}).run()
    assert [record["data"]["id"] for record in process.records] == list(range(1, 10))
