"""The measuring program: it measures, and reports what it measured. No test judges its figures."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

import psycopg2
import pytest

from connector import PATIENCE, executable
from image import children_of
from server import PASSWORD, SUPERUSER

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BENCH = os.path.join(ROOT, "bench", "run")
sys.path.append(os.path.join(ROOT, "bench", "macro"))

import time_chart  # noqa: E402
import peers  # noqa: E402
from flow_runtime import build_reader  # noqa: E402
from latency import SENT  # noqa: E402
from relay import Relay  # noqa: E402
from watch import Watch  # noqa: E402

LEFT = ("SELECT slot_name FROM pg_replication_slots WHERE slot_name LIKE 'source\\_postgres\\_bench%'"
        " UNION ALL SELECT pubname FROM pg_publication WHERE pubname LIKE 'source\\_postgres\\_bench%'")


def start(*arguments, **variables):
    return subprocess.Popen([BENCH, "--rounds", "1", *arguments], env={**os.environ, "SOURCE_POSTGRES": executable(), **variables},
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process, code=0):
    """Its output."""
    try:
        printed, _ = process.communicate(timeout=100 * PATIENCE)
    finally:
        process.kill()
    assert process.returncode == code, printed
    assert PASSWORD not in printed
    return printed


def test_what_is_measured_is_reported(tmp_path):
    finish(start("--scale", "tiny", "--transport", "tls", "--delay", "1", "--only", "backfill.narrow", "--only", "replication.B1",
                 "--reader", "source-postgres, 1", "--reader", "source-postgres, Flow", "--output", str(tmp_path)))
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["results"]
    ours = [each for each in results if each["reader"].startswith("source-postgres")]
    assert {each["subject"] for each in ours} == {"backfill.narrow", "replication.B1"}
    flow = [each for each in ours if "Flow by" in each["reader"]]
    assert len(flow) == 8 and all(each["consumer_cpu_s_per_million"] > 0 for each in flow)
    assert all(each["units"] > 0 and each["wall_s"] > 0 and each["ratio"] > 0 for each in results)
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "### backfill.narrow" in text and "psql COPY text" in text and "pg_recvlogical" in text
    assert text.count("the Airbyte look takes") == 2
    assert {each["transport"] for each in results} == {"tls", "tls+1ms"} and "| TLS loopback, 1 ms |" in text
    assert {each["transport"] for each in results if "relay_cores" in each} == {"tls+1ms"}
    page = (tmp_path / "results.html").read_text(encoding="utf-8")
    assert page.count("<table>") == 2
    for chart in ("chart.svg", "cpu.svg", "memory.svg"):
        drawn = (tmp_path / chart).read_text(encoding="utf-8")
        assert xml.etree.ElementTree.fromstring(drawn).tag.endswith("svg") and drawn in page and f"({chart})" in text


def test_what_a_process_takes_is_drawn_over_time():
    with Watch(os.getpid(), 0.02) as watch:
        deadline = time.monotonic() + 0.2
        while time.monotonic() < deadline:
            pass
    begun = watch.looks[0][0]
    series = watch.series([begun + 0.001, begun + 0.002, begun + 0.1, begun + 0.11], [3.0, 5.0, 7.0])
    assert series["p50_ms"] == [4.0, 7.0] and series["max_ms"] == [5.0, 7.0]
    assert len(series["second"]) == len(series["memory_mib"]) == 2 and max(series["cpu_percent"]) > 5 and min(series["memory_mib"]) > 1
    drawn = time_chart.draw([{"reader": "one & another", "per_transaction": 100, "transport": "tcp+5ms", "series": series}])
    curves = [each for each in xml.etree.ElementTree.fromstring(drawn).iter() if each.tag.endswith("polyline")]
    assert len(curves) == 4 and "one &amp; another, 100 changes a transaction, TCP loopback, 5 ms" in drawn


@pytest.mark.parametrize("sent, found", [
    (b'"2026-11-29T01:02:03.4Z"', [b"2026-11-29T01:02:03.4"]), (b'"2026-11-29 01:02:03+00"', [b"2026-11-29 01:02:03"]),
    (b'"2026-11-29T01:02:03.4+00:00"', [b"2026-11-29T01:02:03.4"]), (b"null", [])])
def test_when_a_row_was_made_is_found_as_programs_print_it(sent, found):
    for printed in (b'{"record":{"id":1,"sent":%s,"label":"l"},"time_extracted":"2026-11-29T01:02:09Z"}',
                    b'{"timestamp":"2026-11-29 01:02:09+00","columns":['
                    b'{"name":"sent","type":"timestamp with time zone","value":%s},{"name":"label","type":"text","value":"l"}]}'):
        assert SENT.findall(printed % sent) == found


def start_open_transaction(*arguments):
    return start("--scale", "tiny", "--transport", "socket", "--only", "open_transaction", *arguments)


@pytest.mark.since(14)
@pytest.mark.usefixtures("database")
def test_an_open_transaction_is_measured_with_and_without_streaming(tmp_path):
    program = f"other={executable()} read --config {{config}} --catalog {{catalog}}"
    finish(start_open_transaction("--program", program, "--output", str(tmp_path)))
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["results"]
    named = ["source-postgres, sent while it is open", "source-postgres, sent after its COMMIT (stream_open_transactions false)", "other"]
    assert [(each["subject"], each["reader"]) for each in results] == [("open_transaction", name) for name in named]
    assert all(each["records"] == 3000 and each["first_s"] <= each["last_s"] and each["peak_mib"] > 1 for each in results)
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "### One transaction of 3,000 rows" in text and "here 131 kB" in text
    assert all(f"| Unix socket | {name} |" in text for name in named)
    assert (tmp_path / "results.html").read_text(encoding="utf-8").count("<table>") == 1


@pytest.mark.since(14)
@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("fault, printed", [("d", 2999), ("p", 3001)])
def test_an_open_transaction_must_come_whole_and_once(fault, printed, tmp_path):
    """Its seventh record is lost, or comes twice."""
    script = f"""exec "$0" read --config "$1" --catalog "$2" > >(exec sed -u "/\\"id\\":7,/{fault}")"""
    faulty = f"faulty=bash -c '{script}' {executable()} {{config}} {{catalog}}"
    assert f"printed {printed} records of a transaction, not 3000" in finish(
        start_open_transaction("--program", faulty, "--output", str(tmp_path)), 1)


@pytest.mark.on_request
def test_workloads_that_others_publish_make_their_own_data(tmp_path):
    """Each is read to its end, by a capture whose records are counted."""
    workloads = [word for name in ("tpch", "users", "cart", "tpcc") for word in ("--workload", name)]
    finish(start(*workloads, "--scale", "0.0005", "--transport", "socket", "--reader", "none", "--output", str(tmp_path)))
    units = {each["subject"]: each["units"] for each in
             json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["results"]}
    assert units.pop("backfill.tpch") > 4000 and units.pop("replication.tpcc") > 100
    assert units == {"backfill.users": 5000, "backfill.cart": 5000, "replication.users": 5000, "replication.cart": 5000}


@pytest.fixture(name="own")
def database_to_measure(database):
    """own(argument ...): a run that measures tables of the database, one of them partitioned."""
    database.execute('CREATE SCHEMA "Shop"', 'CREATE TABLE "Shop"."Orders" (id int PRIMARY KEY, note text)',
                     """INSERT INTO "Shop"."Orders" SELECT n, 'one' || chr(10) || 'two' FROM generate_series(1, 1000) n""",
                     "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)",
                     "CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (1000)",
                     "INSERT INTO parts SELECT generate_series(1, 500)", "CREATE TABLE keyless (n int)")
    started = []

    def begin(*arguments, user=SUPERUSER):
        url = f"postgresql://{user}@127.0.0.1:{database.server.port}/{database.name}"
        started.append(start("--database", url, "--table", "Shop.Orders", *arguments, PGPASSWORD=PASSWORD))
        return started[-1]
    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_tables_of_ones_own_are_measured_and_nothing_remains(own, database, tmp_path):
    process = own("--table", "parts", "--replication", "2", "--output", str(tmp_path))
    assert "2 tables with 1500 rows" in wait_for(process, "gathering")
    database.execute("""UPDATE "Shop"."Orders" SET note = 'three'""")
    finish(process)
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["results"]
    assert {each["subject"] for each in results} == {"backfill.own", "replication.own"}
    assert {each["units"] for each in results if each["subject"] == "backfill.own"} == {1500}
    assert all(each["units"] > 50_000 for each in results if each["subject"] == "replication.own")
    assert database.query(LEFT) == []
    assert database.query("SELECT relname::text, n_tup_ins, n_tup_del FROM pg_stat_user_tables WHERE relname <> 'parts' ORDER BY 1") == [
        ("Orders", 1000, 0), ("keyless", 0, 0), ("part", 500, 0)]


def wait_for(process, text):
    """Its output up to that."""
    printed = ""
    while text not in printed:
        line = process.stdout.readline()
        assert line, printed
        printed += line
    return printed


WAITING = ("--replication", "600", "--reader", "none")  # any moment would do: there is a slot, and a publication


def test_a_signal_removes_all_and_the_next_run_what_a_kill_left(own, database):
    process = own(*WAITING)
    wait_for(process, "gathering")
    assert len(database.query(LEFT)) == 2
    assert PASSWORD.encode() not in b"".join(command_lines(process.pid))
    process.send_signal(signal.SIGTERM)
    finish(process, 128 + signal.SIGTERM)
    assert database.query(LEFT) == []
    killed = own(*WAITING)
    wait_for(killed, "gathering")
    killed.kill()
    killed.wait()
    assert "Removing what a run that was killed left" in wait_for(own(*WAITING), "gathering")
    assert "Removing" not in wait_for(own(*WAITING), "gathering")  # the other one lives
    assert len(database.query(LEFT)) == 4


def test_each_peer_can_be_built_and_says_what_it_does():
    """They are not run here: they come from registries."""
    assert peers.names()
    for name in peers.names():
        assert os.access(os.path.join(peers.SOURCES, name, "build"), os.X_OK)
        assert "{peer}" in peers.read(name, "command")
        assert set(peers.read(name, "modes").split()) <= {"backfill", "replication", "latency"}



@pytest.mark.on_request
def test_all_is_removed_when_a_program_is_killed(own, database):
    process = own("--reader", "x", "--program", "x=sleep 543")
    deadline = time.monotonic() + 60 * PATIENCE
    while not (found := subprocess.run(["pgrep", "-f", "^sleep 543$"], capture_output=True, text=True, check=False).stdout.split()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(int(found[0]), signal.SIGKILL)
    assert "ended with -9" in finish(process, 1)
    assert database.query(LEFT) == []


def command_lines(pid):
    """Of a process and all that it has started."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        yield file.read()
    for child in children_of(pid):
        yield from command_lines(child)


@pytest.mark.parametrize("arguments, said", [
    (["--table", "keyless"], "has no replica identity"), (["--table", "public.orders"], "there is no such table")])
def test_a_table_that_cannot_be_measured_is_named(own, database, arguments, said):
    assert said in finish(own(*arguments), 1)
    assert database.query(LEFT) == []


def test_a_user_who_may_not_make_a_publication_names_one(own, database):
    """The remedy works: the same user with a publication."""
    database.execute(f"CREATE ROLE reader_{database.name} LOGIN REPLICATION PASSWORD '{PASSWORD}'",
                     f'GRANT USAGE ON SCHEMA "Shop" TO reader_{database.name}',
                     f'GRANT SELECT ON "Shop"."Orders" TO reader_{database.name}',
                     f'CREATE PUBLICATION {database.publication} FOR TABLE "Shop"."Orders"')
    try:
        reader = {"user": f"reader_{database.name}"}
        assert "with --publication" in finish(own(**reader), 1)
        printed = finish(own("--publication", database.publication, "--replication", "0.1", "--reader", "source-postgres, 1", **reader))
        assert "backfill.own, 1,000 rows" in printed and "hardly anything was written" in printed
        assert database.query(LEFT) == []
    finally:
        database.execute(f"DROP OWNED BY reader_{database.name}", f"DROP ROLE reader_{database.name}")


def test_a_password_in_a_url_is_refused_and_not_repeated():
    assert "leave the password out" in finish(start("--database", f"postgresql://u:{PASSWORD}@127.0.0.1/d", "--table", "t"), 1)


def test_the_reader_of_responses_takes_what_is_left_when_the_connector_has_ended(tmp_path):
    """It cannot acknowledge any more."""
    (tmp_path / "request").write_text("{}\n", encoding="ascii")
    unread, output = os.pipe()
    os.close(unread)
    done = subprocess.run([build_reader(str(tmp_path)), "json", str(tmp_path / "request")], stdout=output, stderr=subprocess.PIPE,
                          input=b'{"checkpoint":{}}\n{"captured":{"binding":0,"doc":{}}}\n', check=False, timeout=60)
    os.close(output)
    assert (done.returncode, done.stderr) == (0, b"1\n")


def test_the_relay_delays_and_loses_nothing(database, tmp_path):
    """The delay is that of a round trip; data in flight does not wait for earlier data."""
    with Relay(str(tmp_path), database.server.port, 40) as relay:
        with contextlib.closing(psycopg2.connect(host="127.0.0.1", port=relay.port, user=SUPERUSER, password=PASSWORD, dbname=database.name)) as far:
            cursor = far.cursor()
            took_s = []
            for _ in range(5):
                begun = time.monotonic()
                cursor.execute("SELECT 1")
                took_s.append(time.monotonic() - begun)
            assert 0.04 <= min(took_s) < 0.08
            begun = time.monotonic()
            cursor.execute("SELECT string_agg(n::text, ',') FROM generate_series(1, 2000000) n")
            assert cursor.fetchone()[0] == ",".join(map(str, range(1, 2000001)))
            assert time.monotonic() - begun < 5 * PATIENCE
        assert relay.cpu_s() < 5 * PATIENCE
