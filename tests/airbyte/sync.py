"""Syncs with PyAirbyte, as its users write them: spec, check, discover, and a read into a cache in DuckDB.

Usage: sync.py CONFIG CACHE KEY STREAM ...

Each line of standard input names an executable, and is one sync. (One process for all: the import takes longer than
they do.) The file CACHE keeps all records and the state between them. Each answer is a JSON object on one line: how many
records were read, what the sync failed of, if it did, and each stream's rows by the rule of Airbyte's destinations: of
the records with one KEY (a column, or several joined by commas) the one with the newest cursor, unless it is a delete.
"""

import contextlib
import json
import os
import sys

os.environ.update(DO_NOT_TRACK="1", AIRBYTE_OFFLINE_MODE="1")  # before the import, which looks at them

import airbyte  # noqa: E402

FINAL = """SELECT * EXCLUDE (nth) FROM (
    SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY _ab_cdc_lsn DESC, _airbyte_extracted_at DESC) AS nth
    FROM main."{stream}")
WHERE nth = 1 AND _ab_cdc_deleted_at IS NULL ORDER BY {key}"""


def main(config_file, cache_file, key, *streams):
    with open(config_file, encoding="utf-8") as file:
        config = json.load(file)
    for line in sys.stdin:
        print(json.dumps(sync(line.strip(), config, cache_file, key, streams), default=str), flush=True)


def sync(executable, config, cache_file, key, streams):
    done = {"records": None, "failure": None}
    with contextlib.redirect_stdout(sys.stderr):  # it prints what it does
        source = airbyte.get_source("source-postgres", config=config, local_executable=executable)
        source.validate_config()  # against the spec
        source.check()
        assert set(streams) <= set(source.get_available_streams()), source.get_available_streams()
        source.select_streams(list(streams))
        cache = airbyte.DuckDBCache(db_path=cache_file)
        try:
            done["records"] = source.read(cache=cache, write_strategy="append").processed_records
        except airbyte.exceptions.AirbyteConnectorFailedError as error:
            done["failure"] = repr(error)
    done["rows"] = {stream: rows(cache, stream, key) for stream in streams}
    return done


def rows(cache, stream, key):
    """Without the columns that are PyAirbyte's own, or ours."""
    with cache.get_sql_engine().connect() as connection:
        found = connection.exec_driver_sql(f"SELECT count(*) FROM duckdb_tables() WHERE table_name = '{stream}'")
        if not found.scalar():
            return []
        result = connection.exec_driver_sql(FINAL.format(stream=stream, key=key))
        return [{name: value for name, value in row._mapping.items() if not name.startswith("_")} for row in result]


if __name__ == "__main__":
    main(*sys.argv[1:])
