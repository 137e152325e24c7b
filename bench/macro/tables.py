"""The tables that are measured, and the statements that fill them."""

NARROW = """CREATE TABLE {name} (id bigint PRIMARY KEY, number int NOT NULL, label text NOT NULL,
    at timestamptz NOT NULL, amount float8 NOT NULL)"""

# A row for each n of the series that stands behind it.
NARROW_ROWS = """SELECT n, n % 10007, 'label of row ' || lpad((n % 10000000)::text, 7, '0'),
    timestamptz '2024-01-15 14:30:00.123456+00' + n * interval '1.7 seconds', n * 0.37"""

# About 560 bytes a row.
WIDE = """CREATE TABLE {name} (id bigint PRIMARY KEY, uid uuid, price numeric(14,4), tax numeric, title text, body text,
    at timestamptz, day timestamp, profile jsonb, done bool, note text)"""

WIDE_ROWS = r"""SELECT n, md5(n::text)::uuid, (n % 1000000) + 0.3719, n * 0.0007, 'A title of row ' || n || ', as people write them',
    E'He said "no".\nThen, after a while, he said "perhaps", and looked out of the window.\n\t'
        || repeat('It had rained for days by then, and nobody thought much of it. ', 3) || n,
    timestamptz '2024-01-15 14:30:00.123456+00' + n * interval '1.7 seconds', timestamp '2024-01-15 14:30:00' + n * interval '1 minute',
    jsonb_build_object('name', 'customer ' || n, 'visits', n % 977, 'open', n % 2 = 0, 'tags', jsonb_build_array('web', n % 7, 'a "quote"')),
    n % 2 = 0, CASE WHEN n % 3 = 0 THEN 'note ' || n END"""

TOAST = "CREATE TABLE {name} (id bigint PRIMARY KEY, big text NOT NULL)"
TOAST_BYTES = 200_000
TOAST_ROWS = f"SELECT n, repeat(md5(n::text), {TOAST_BYTES // 32})"

def series(first, last):
    return f" FROM generate_series({first}, {last}) n"


def create(shape, rows, name, count):
    statements = [shape.format(name=name)]
    if shape is TOAST:
        statements.append(f"ALTER TABLE {name} ALTER big SET STORAGE EXTERNAL")
    return [*statements, f"INSERT INTO {name} {rows}{series(1, count)}", f"VACUUM ANALYZE {name}"]


def split(name):
    """(schema, table) of `schema.table`; what has no point is in public."""
    schema, point, table = name.partition(".")
    return (schema, table) if point else ("public", name)


def quoted(name):
    return ".".join('"' + each.replace('"', '""') + '"' for each in split(name))


def pointers(bench, name):
    """The key of the table's collection in Flow."""
    key = bench.value("SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_index i JOIN pg_attribute a"
                      " ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = %s::regclass AND i.indisprimary",
                      (quoted(name),))
    return [f"/{each}" for each in key] if key else [f"/_meta/source/loc/{n}" for n in range(3)]


def drop(names):
    return f"DROP TABLE {', '.join(names)}"
