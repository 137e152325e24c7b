"""Tables with every kind of key, and writers that change, move and delete their rows."""

ROWS = 900

# name: columns of the key, their definition, and the key of row n as SQL (n is an integer expression)
KINDS = {
    "int": (["k"], "k int", "({n})"),
    "negative_bigint": (["k"], "k bigint", "(({n}) * 1234567890123 - 600000000000000)"),
    "smallint": (["k"], "k smallint", "(({n}) - 500)"),
    "uuid": (["k"], "k uuid", "md5(({n})::text)::uuid"),
    "text_c": (["k"], 'k text COLLATE "C"', "(chr(65 + ({n}) % 57) || md5(({n})::text))"),
    "text_icu": (["k"], 'k text COLLATE "en-US-x-icu"',
                 "((array['a','B','ä','Z','-',' ','é','ß'])[1 + ({n}) % 8] || substr(md5(({n})::text), 1, 3) || ({n}))"),
    "varchar": (["k"], "k varchar(40)", "('key ' || ({n}))"),
    "char": (["k"], "k char(12)", "('c' || ({n}))"),
    "numeric": (["k"], "k numeric", "(case when ({n}) = 5 then 'NaN'::numeric else (({n}) - 450) / 7.0 end)"),
    "numeric_scale": (["k"], "k numeric",
                      "((({n}) - 450)::text || '.' || repeat('0', 1 + ({n}) % 5))::numeric"),
    "float": (["k"], "k float8", "(case ({n}) when 3 then '-Infinity'::float8 when 4 then 'NaN' when 5 then 'Infinity'"
              " else (({n}) - 450) * 1.7e300 / 1e3 end)"),
    "bool_and_int": (["b", "k"], "b bool, k int", "({n}) % 2 = 0, ({n})"),
    "bytea": (["k"], "k bytea", "decode(md5(({n})::text), 'hex')"),
    "date": (["k"], "k date", "(date '1999-12-01' + ({n}) * 3)"),
    "timestamptz": (["k"], "k timestamptz", "(timestamptz '1999-12-31 23:00:00+00' + ({n}) * interval '1.000001 s')"),
    "enum": (["e", "k"], "e mood, k int", "(array['sad','ok','happy'])[1 + ({n}) % 3]::mood, ({n})"),
    "composite": (["a", "b", "c"], 'a text COLLATE "en-US-x-icu", b int, c uuid',
                  "(array['x','X','y-','y'])[1 + ({n}) % 4], ({n}) / 4, md5(({n})::text)::uuid"),
    "domain": (["k"], "k positive", "({n})"),
    "citext": (["k"], "k citext", "((array['a','B','c','D'])[1 + ({n}) % 4] || ({n}))"),
    "interval": (["k"], "k interval", "(({n}) * interval '1 hour')"),
    "domain_of_inet": (["k"], "k address", "(inet '10.0.0.0' + ({n}) * 77)"),
    "domain_of_char": (["k"], "k code", "('c' || ({n}))"),
    "domain_of_bool": (["b", "k"], "b flag, k int", "({n}) % 2 = 0, ({n})"),
    "money": (["k"], "k money", "((({n}) - 450) * 1.25)::numeric::money"),
    "bits": (["k"], "k varbit", "(({n})::bit(12))::varbit"),
    "inet": (["k"], "k inet", "(inet '10.0.0.0' + ({n}) * 77)"),
    "hstore": (["k"], "k hstore", "hstore(array[array['a', ({n})::text], array['\"b', case when ({n}) % 3 = 0 then null else 'c' end]])"),
    "row": (["k"], "k pair", "row((array['a','B',null,'-'])[1 + ({n}) % 4], ({n}), row('sad', ({n}) % 7))::pair"),
    "rows": (["k"], "k pair[]", "array[row('a', ({n}) / 2, null), row('b', ({n}), null)]::pair[]"),
    "range": (["k"], "k daterange", "daterange(date '2000-01-01' + ({n}) / 2, date '2030-01-01' + ({n}))"),
}


TYPES = ("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')", "CREATE DOMAIN positive AS int CHECK (value > -1)",
         "CREATE DOMAIN address AS inet", "CREATE DOMAIN code AS char(12)", "CREATE DOMAIN flag AS bool",
         "CREATE TYPE mooded AS (m mood, n int)", 'CREATE TYPE pair AS (a text COLLATE "en-US-x-icu", b int, c mooded)',
         "CREATE EXTENSION IF NOT EXISTS citext", "CREATE EXTENSION IF NOT EXISTS hstore")


def create(database, kind, table="t", rows=ROWS):
    """Create a table with such a key and fill it; TYPES must be there."""
    columns, definition, expression = KINDS[kind]
    names = ", ".join(columns)
    database.execute(f"CREATE TABLE {table} ({definition}, n int, big text, PRIMARY KEY ({names}))",
                     f"ALTER TABLE {table} ALTER big SET STORAGE EXTERNAL",
                     f"INSERT INTO {table} SELECT {expression.format(n='s.n')}, s.n, repeat(md5(s.n::text), 80)"
                     f" FROM generate_series(1, {rows}) AS s(n)")
    return columns


def many_changes(table="t"):
    """Statements of another writer: it changes many rows at once, and rolls some of that back."""
    def make(chance):
        rows = chance.randint(3, 20)
        return ["SAVEPOINT many", f"UPDATE {table} SET n = n + 20000 WHERE n % {rows} = 1", chance.choice(("ROLLBACK TO many", "RELEASE many")),
                f"UPDATE {table} SET n = n + 30000 WHERE n % {rows} = 2"]

    return make


def changes(kind, table="t", rows=ROWS):
    """Statements of a writer of such a table: updates, deletes, inserts and moves to another key."""
    columns, _, expression = KINDS[kind]
    names = ", ".join(columns)

    def key(n):
        return expression.format(n=n)

    def make(chance):
        statements = []
        for _ in range(chance.choice((1, 2, 10))):
            one, two = chance.randint(1, rows), chance.randint(1, rows * 2)
            where = f"({names}) = ({key(one)})"
            statements.append(chance.choice((
                f"UPDATE {table} SET n = n + 10000 WHERE {where}",
                f"UPDATE {table} SET big = repeat(md5(n::text), {chance.randint(1, 90)}) WHERE {where}",
                f"DELETE FROM {table} WHERE {where}",
                f"INSERT INTO {table} SELECT {key(one)}, {one}, 'new' ON CONFLICT DO NOTHING",
                f"UPDATE {table} SET ({names}, n) = (SELECT {key(two)}, {two}) WHERE {where}"
                f" AND NOT EXISTS (SELECT FROM {table} WHERE ({names}) = ({key(two)}))",
            )))
        return statements

    return make
