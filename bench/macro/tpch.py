"""The tables of TPC-H, with the columns, widths and numbers of rows that its specification names; at scale 1 those of SF1. They are made
by SQL and not by dbgen: keys and sizes are alike, the values are not, and no answer to a query of TPC-H would be right."""

# Words of about the length that people write; a comment is a piece of it.
PROSE = ("carefully final deposits sleep quickly above the ironic packages; furiously regular requests haggle along the slyly "
         "express accounts. quickly bold theodolites nag against the unusual, pending instructions; blithely even foxes "
         "integrate fluffily among the special pinto beans, and silent platelets boost daringly about the idle dependencies. "
         "never quiet asymptotes wake, since the thin excuses detect stealthily beneath the dogged courts of the east")


def words(least, most, n):
    """A text of least to most characters, which n decides."""
    return f"substr(t.prose, 1 + (({n}) * 7919 % {len(PROSE) - most})::int, {least} + (({n}) * 31 % {most - least + 1})::int)"


def day(n):
    return f"date '1992-01-01' + ({n} * 101 % 2406)::int"


# The order's key: of 32 numbers the first 8 are used.
ORDER_KEY = "(n / 8 * 32 + n % 8)"
PHONE = "(10 + n % 25) || '-' || (100 + n * 7 % 900) || '-' || (100 + n * 13 % 900) || '-' || (1000 + n * 17 % 9000)"

TABLES = {
    "region": ("r_regionkey int PRIMARY KEY, r_name char(25) NOT NULL, r_comment varchar(152)",
               f"n, 'REGION ' || n, {words(31, 115, 'n')}"),
    "nation": ("n_nationkey int PRIMARY KEY, n_name char(25) NOT NULL, n_regionkey int NOT NULL, n_comment varchar(152)",
               f"n, 'NATION ' || n, n % 5, {words(31, 114, 'n')}"),
    "supplier": ("s_suppkey int PRIMARY KEY, s_name char(25) NOT NULL, s_address varchar(40) NOT NULL, s_nationkey int NOT NULL,"
                 " s_phone char(15) NOT NULL, s_acctbal decimal(15,2) NOT NULL, s_comment varchar(101) NOT NULL",
                 f"n, 'Supplier#' || lpad(n::text, 9, '0'), {words(10, 40, 'n + 5')}, n % 25, {PHONE}, n % 1099998 / 100.0 - 999.99,"
                 f" {words(25, 100, 'n')}"),
    "customer": ("c_custkey int PRIMARY KEY, c_name varchar(25) NOT NULL, c_address varchar(40) NOT NULL, c_nationkey int NOT NULL,"
                 " c_phone char(15) NOT NULL, c_acctbal decimal(15,2) NOT NULL, c_mktsegment char(10) NOT NULL, c_comment varchar(117) NOT NULL",
                 f"n, 'Customer#' || lpad(n::text, 9, '0'), {words(10, 40, 'n + 5')}, n % 25, {PHONE}, n * 37 % 1099998 / 100.0 - 999.99,"
                 " (ARRAY['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD'])[1 + n % 5],"
                 f" {words(29, 116, 'n')}"),
    "part": ("p_partkey int PRIMARY KEY, p_name varchar(55) NOT NULL, p_mfgr char(25) NOT NULL, p_brand char(10) NOT NULL,"
             " p_type varchar(25) NOT NULL, p_size int NOT NULL, p_container char(10) NOT NULL, p_retailprice decimal(15,2) NOT NULL,"
             " p_comment varchar(23) NOT NULL",
             f"n, {words(24, 50, 'n + 3')}, 'Manufacturer#' || 1 + n % 5, 'Brand#' || 11 + n % 45,"
             " (ARRAY['STANDARD ANODIZED TIN', 'SMALL PLATED COPPER', 'ECONOMY BRUSHED STEEL', 'PROMO BURNISHED BRASS'])[1 + n % 4],"
             f" 1 + n % 50, (ARRAY['SM CASE', 'LG BOX', 'MED BAG', 'JUMBO PKG'])[1 + n % 4], 900 + n % 120000 / 100.0, {words(5, 22, 'n')}"),
    "partsupp": ("ps_partkey int, ps_suppkey int, ps_availqty int NOT NULL, ps_supplycost decimal(15,2) NOT NULL,"
                 " ps_comment varchar(199) NOT NULL, PRIMARY KEY (ps_partkey, ps_suppkey)",
                 f"1 + (n - 1) / 4, 1 + ((n - 1) / 4 + (n - 1) % 4 * ({{supplier}} / 4)) % {{supplier}}, 1 + n % 9999, n * 11 % 100000 / 100.0,"
                 f" {words(49, 198, 'n')}"),
    "orders": ("o_orderkey bigint PRIMARY KEY, o_custkey int NOT NULL, o_orderstatus char(1) NOT NULL, o_totalprice decimal(15,2) NOT NULL,"
               " o_orderdate date NOT NULL, o_orderpriority char(15) NOT NULL, o_clerk char(15) NOT NULL, o_shippriority int NOT NULL,"
               " o_comment varchar(79) NOT NULL",
               f"{ORDER_KEY}, 1 + n * 7 % {{customer}}, substr('OFP', 1 + (n % 3)::int, 1), 850 + n * 191 % 55000000 / 100.0, {day('n')},"
               " (ARRAY['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'])[1 + n % 5],"
               f" 'Clerk#' || lpad((n % 1000)::text, 9, '0'), 0, {words(19, 78, 'n')}"),
    "lineitem": ("l_orderkey bigint, l_partkey int NOT NULL, l_suppkey int NOT NULL, l_linenumber int, l_quantity decimal(15,2) NOT NULL,"
                 " l_extendedprice decimal(15,2) NOT NULL, l_discount decimal(15,2) NOT NULL, l_tax decimal(15,2) NOT NULL,"
                 " l_returnflag char(1) NOT NULL, l_linestatus char(1) NOT NULL, l_shipdate date NOT NULL, l_commitdate date NOT NULL,"
                 " l_receiptdate date NOT NULL, l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL,"
                 " l_comment varchar(44) NOT NULL, PRIMARY KEY (l_orderkey, l_linenumber)",
                 f"{ORDER_KEY}, 1 + (n * 31 + line) % {{part}}, 1 + (n * 17 + line) % {{supplier}}, line, 1 + (n + line) % 50,"
                 " (90000 + n * 7 % 10000000) / 100.0, (n + line) % 11 / 100.0, (n * 3 + line) % 9 / 100.0, substr('RAN', 1 + (n % 3)::int, 1),"
                 f" substr('OF', 1 + (n % 2)::int, 1), {day('n')} + line::int * 9, {day('n')} + 60, {day('n')} + line::int * 9 + 15,"
                 " (ARRAY['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'])[1 + (n + line) % 4],"
                 " (ARRAY['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'])[1 + (n * 5 + line) % 7],"
                 f" {words(10, 43, 'n + line * 3')}"),
}
LINES = " CROSS JOIN LATERAL generate_series(1, 1 + (n * 2654435761 % 7)) line"  # four an order


def make(bench):
    """(names, rows or None, statements)"""
    counts = {"region": 5, "nation": 25, "supplier": bench.scaled(10_000), "customer": bench.scaled(150_000), "part": bench.scaled(200_000)}
    counts.update(partsupp=4 * counts["part"], orders=bench.scaled(1_500_000), lineitem=bench.scaled(1_500_000))
    statements = []
    for name, (columns, values) in TABLES.items():
        lines = LINES if name == "lineitem" else ""
        words_of = values.replace("{supplier}", str(counts["supplier"])).replace("{customer}", str(counts["customer"]))
        statements += [f"CREATE TABLE {name} ({columns})",
                       f"INSERT INTO {name} SELECT {words_of.replace('{part}', str(counts['part']))}"
                       f" FROM (SELECT '{PROSE}'::text AS prose) t, generate_series(1, {counts[name]}::bigint) n{lines}",
                       f"VACUUM ANALYZE {name}"]
    return list(TABLES), None, statements
