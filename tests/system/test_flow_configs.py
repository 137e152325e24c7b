"""Options of Flow's captures, and what they do."""

import pytest

from flow import Process, assert_refused, binding, ended, validate
from test_resume import ITEMS, fill


@pytest.mark.parametrize("skipped", ["*.*", "PUBLIC.*", "*.items", "Public.Items", "a.b, public.items"])
def test_skipped_backfills(database, flow, skipped):
    database.execute(ITEMS, fill(10))
    one = flow(["items"], advanced={"skip_backfills": skipped})
    process = one.start().wait_for_active()
    database.execute("UPDATE items SET n = 1 WHERE id = 1")
    process.wait_for_quiet(1).stop()
    assert [doc["doc"]["_meta"]["op"] for doc in process.docs] == ["u"]
    assert ("no captured table fits" in process.stderr) == ("a.b" in skipped)


@pytest.mark.parametrize("mode", ["", "Normal", "Without Primary Key"])
def test_an_additional_filter_of_the_backfill(database, flow, mode):
    database.execute(ITEMS, fill(1000))
    one = flow([binding("items", mode=mode, advanced={"additional_backfill_filter": "id > 100 AND id < 120 -- few"})],
               advanced={"backfill_chunk_size": 30})
    process = one.start().wait_for_active()
    database.execute("UPDATE items SET n = 1 WHERE id = 5")
    process.wait_for_quiet(20).stop()
    assert sorted(doc["doc"]["id"] for doc in process.docs) == [5, *range(101, 120)]


def test_validate_asks_the_server_about_a_filter(database):
    database.execute(ITEMS)
    process = Process()
    process.ask(validate(database, binding("items", advanced={"additional_backfill_filter": "id > 5 AND n IS NULL"})))
    process.send(validate(database, binding("items", advanced={"additional_backfill_filter": "it > 5"})))
    assert_refused(process, "public.items", "additional_backfill_filter", "it")


@pytest.mark.parametrize("condition", ["true); DROP TABLE items; --", "id = $1", "id", "count(*) > 1"])
def test_a_filter_is_a_condition_and_nothing_else(database, condition):
    database.execute(ITEMS)
    process = Process()
    process.send(validate(database, binding("items", advanced={"additional_backfill_filter": condition})))
    assert_refused(process, "the additional_backfill_filter of table public.items is no condition")
    assert database.value("SELECT to_regclass('items') IS NOT NULL")


def test_precise_has_no_filter(database):
    process = Process()
    process.send(validate(database, binding("items", mode="Precise", advanced={"additional_backfill_filter": "true"})))
    assert_refused(process, "Precise", "additional_backfill_filter")


def test_options_that_do_nothing_are_named(database):
    process = Process()
    process.ask({"discover": {"config": database.config(advanced={"rediscovery_interval": "15m", "feature_flags": "flatten_arrays"})}})
    assert ended(process) == 0
    for name in ("advanced.rediscovery_interval", '\\"flatten_arrays\\"'):
        assert name + " is accepted but not acted on" in process.stderr
