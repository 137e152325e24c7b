"""One sync with PyAirbyte, as its users write it: spec, check, discover, and a read into a cache in DuckDB.

Usage: sync.py EXECUTABLE CONFIG CACHE STREAM ...

The file CACHE keeps records and state between syncs. The last line of standard output is a JSON object: how many
records were read, and each stream's rows. PyAirbyte knows nothing of deletes, so a deleted row is still there, and
its `_meta` says so.
"""

import contextlib
import json
import os
import sys

os.environ.update(DO_NOT_TRACK="1", AIRBYTE_OFFLINE_MODE="1")  # before the import, which looks at them

import airbyte  # noqa: E402


def main(executable, config_file, cache_file, *streams):
    with open(config_file, encoding="utf-8") as file:
        config = json.load(file)
    with contextlib.redirect_stdout(sys.stderr):  # it prints what it does
        source = airbyte.get_source("source-postgres", config=config, local_executable=executable)
        source.validate_config()  # against the spec
        source.check()
        assert set(streams) <= set(source.get_available_streams()), source.get_available_streams()
        source.select_streams(list(streams))
        result = source.read(cache=airbyte.DuckDBCache(db_path=cache_file))
    print(json.dumps({"records": result.processed_records,
                      "rows": {name: rows(result[name]) for name in streams}}, default=str))


def rows(dataset):
    """Without the columns that are PyAirbyte's own."""
    return [{name: value for name, value in row.items() if not name.startswith("_airbyte")} for row in dataset]


if __name__ == "__main__":
    main(*sys.argv[1:])
