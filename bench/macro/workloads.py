"""The workloads that others publish figures of. They make their own data; where they are not the very same, it says so."""

import tables
import tpcc
import tpch

NAMES = {"tpch": "the tables of TPC-H at SF1, as to columns, widths and numbers of rows (backfill)",
         "users": "10 million short rows, which Trendyol's go-pq-cdc is measured by (backfill; and one transaction that inserts them)",
         "cart": "10 million rows of some 600 bytes, by which Redpanda Connect is measured (backfill; and inserts, 10,000 a transaction)",
         "tpcc": "transactions of 4 to 130 changes, like those of TPC-C (replication)"}

USERS = "CREATE TABLE {name} (id serial PRIMARY KEY, name text NOT NULL, created_on timestamptz)"
USERS_ROWS = "SELECT n, 'Name' || n, NULL"
CART = """CREATE TABLE {name} (id serial PRIMARY KEY, user_id int NOT NULL, product_id int NOT NULL, quantity int NOT NULL,
    price decimal(10,2) NOT NULL, info text NOT NULL)"""
CART_ROWS = "SELECT n, n % 10000 + 1, n % 1000 + 1, n % 10 + 1, n % 1000 + 0.99, left(repeat('cart ' || n || ' ', 48), 560)"
ROWS, BATCH = 10_000_000, 10_000


def backfills(bench):
    """{subject: () -> (names, rows or None, statements)}"""
    def one(shape, rows, name):
        return lambda: ([name], bench.scaled(ROWS), tables.create(shape, rows, name, bench.scaled(ROWS)))
    return {"backfill.tpch": lambda: tpch.make(bench), "backfill.users": one(USERS, USERS_ROWS, "users"),
            "backfill.cart": one(CART, CART_ROWS, "cart")}
