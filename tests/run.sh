#!/usr/bin/env bash
# The end-to-end test: plays the platform for both protocols and compares what it materialised with the table.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../scripts/lib.sh"

usage() {
    cat <<'END'
Usage: tests/run.sh

Loads two tables, captures them through each protocol into SQLite while rows change, stops, kills and
restarts the connector in between (amid the rows, and amid changes), and compares the tables in the end.

Environment:
  CONNECTOR   the connector: an executable's path, or an image's name (default: the newest build of this
              source tree; one is made if there is none). An image is run with Docker, or where no engine
              runs with buildah, as root; scripts/image makes it with either
  VERSION     the image's tag (default: latest)
  PGHOST      the PostgreSQL server, with wal_level = logical; without it, a throwaway server is started
              (PG_BINDIR names its programs), and the other variables do not matter
  PGPORT      (default: 5432)
  PGDATABASE  (default: flow)
  PGUSER      a superuser, or one with REPLICATION who may create a schema and a publication (default: flow)
  PGPASSWORD  (default: flow)

Needs python3 with psycopg2 and protobuf, and protoc-c. What it makes on the server it drops again: a schema, a publication, a slot.
END
}

case ${1:-} in
"") ;;
-h | --help) usage; exit 0 ;;
*) usage >&2; exit 2 ;;
esac

if [ -z "${CONNECTOR:-}" ] && ! ls "$root"/build*/src/source-postgres >/dev/null 2>&1; then
    say "Building the connector"
    build "$root/build-release" source-postgres release -DBUILD_TESTING=OFF
fi
exec "$python3" -B "$root/tests/end_to_end.py"
