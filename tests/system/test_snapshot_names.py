"""An exported snapshot is identified by a name, which another snapshot may have after a restart of the server."""

from again import resume_from, stand_still
from capture import Capture
from database import Database
from server import Server


def takes_name(database, name):
    """A session that exports another snapshot under that name; the sessions are kept."""
    backend, number = (int(part, 16) for part in name.split("-")[:2])
    sessions = []
    for _ in range(40):
        sessions.append(database.connect())
        cursor = sessions[-1].cursor()
        cursor.execute("SELECT virtualtransaction FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'virtualxid'")
        have, at = map(int, cursor.fetchone()[0].split("/"))
        if have == backend:
            break
    assert have == backend and at < number, (have, at, name)
    for _ in range(number):
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_export_snapshot()")
        if cursor.fetchone()[0] == name:
            return sessions
        cursor.execute("ROLLBACK")
    raise AssertionError("another number")


def test_another_snapshot_has_the_name_after_a_restart(tmp_path):
    with Server(autovacuum="off") as server:
        database = Database(server)
        database.execute("CREATE TABLE t (id int, filler text DEFAULT repeat('x', 200))", "ALTER TABLE t REPLICA IDENTITY FULL",
                         "INSERT INTO t SELECT generate_series(1, 3000)")
        one = Capture(database, tmp_path, ["t"], advanced={"backfill_chunk_size": 20})
        process = one.start()
        stand_still(process)
        (name,) = [row[0] for row in database.query("SELECT pg_ls_dir('pg_snapshots')")]
        assert database.end_sessions("source-postgres%")
        database.connection.close()
        server.restart()
        database.connection = database.connect()
        database.execute("INSERT INTO t SELECT generate_series(10001, 10100)", "UPDATE t SET filler = 'new' WHERE id BETWEEN 2000 AND 2099")
        sessions = takes_name(database, name)
        one.keep(resume_from(process).succeed())
        for session in sessions:
            session.close()
        one.keep(one.start().succeed())
    created = [record["data"]["id"] for record in one.records if record["data"]["_meta"]["op"] == "c"]
    assert len(created) == len(set(created)), f"{len(created) - len(set(created))} rows are doubled\n{process.story()}"
    assert {record["data"]["id"] for record in one.records} == {*range(1, 3001), *range(10001, 10101)}
