"""Transactions like those of TPC-C, at full speed by one writer: new orders, payments and deliveries in their shares, and one new order in a
hundred that is rolled back. What only reads leaves no WAL and is left out. A new order makes some 23 changes, a payment 4, a delivery 130."""

ITEMS, CUSTOMERS, TRANSACTIONS = 100_000, 3_000, 60_000  # at scale 1: items; customers a district; transactions
WAREHOUSES, DISTRICTS = 2, 10
NAMES = ["warehouse", "district", "customer", "history", "new_order", "orders", "order_line", "item", "stock"]
ADDRESS = "street_1 varchar(20), street_2 varchar(20), city varchar(20), state char(2), zip char(9)"
ADDRESS_VALUES = "'Main Street 17', 'Building B', 'Springfield', 'OR', '974771234'"

TABLES = f"""
CREATE TABLE warehouse (w_id int PRIMARY KEY, name varchar(10), {ADDRESS}, tax numeric(4,4), ytd numeric(12,2));
CREATE TABLE district (w_id int, d_id int, name varchar(10), {ADDRESS}, tax numeric(4,4), ytd numeric(12,2), next_o_id int,
    PRIMARY KEY (w_id, d_id));
CREATE TABLE customer (w_id int, d_id int, c_id int, first varchar(16), middle char(2), last varchar(16), {ADDRESS}, phone char(16),
    since timestamp, credit char(2), credit_lim numeric(12,2), discount numeric(4,4), balance numeric(12,2), ytd_payment numeric(12,2),
    payment_cnt int, delivery_cnt int, data varchar(500), PRIMARY KEY (w_id, d_id, c_id));
CREATE TABLE history (c_id int, c_d_id int, c_w_id int, d_id int, w_id int, at timestamp, amount numeric(6,2), data varchar(24));
CREATE TABLE new_order (w_id int, d_id int, o_id int, PRIMARY KEY (w_id, d_id, o_id));
CREATE TABLE orders (w_id int, d_id int, o_id int, c_id int, entry_d timestamp, carrier_id int, ol_cnt int, all_local int,
    PRIMARY KEY (w_id, d_id, o_id));
CREATE TABLE order_line (w_id int, d_id int, o_id int, number int, i_id int, supply_w_id int, delivery_d timestamp, quantity int,
    amount numeric(6,2), dist_info char(24), PRIMARY KEY (w_id, d_id, o_id, number));
CREATE TABLE item (i_id int PRIMARY KEY, im_id int, name varchar(24), price numeric(5,2), data varchar(50));
CREATE TABLE stock (w_id int, i_id int, quantity int, dists char(240), ytd int, order_cnt int, remote_cnt int, data varchar(50),
    PRIMARY KEY (w_id, i_id));
ALTER TABLE history REPLICA IDENTITY FULL"""

FILL = f"""
INSERT INTO warehouse SELECT n, 'W' || n, {ADDRESS_VALUES}, 0.05, 300000 FROM generate_series(1, {WAREHOUSES}) n;
INSERT INTO district SELECT w_id, d, 'D' || d, {ADDRESS_VALUES}, 0.07, 30000, 1 FROM warehouse, generate_series(1, {DISTRICTS}) d;
INSERT INTO customer SELECT w_id, d_id, c, 'First' || c, 'OE', 'Last' || c, {ADDRESS_VALUES}, '0123456789012345', '2024-01-15', 'GC', 50000,
    0.1, -10, 10, 1, 0, repeat(md5(c::text), 12) FROM district, generate_series(1, {{customers}}) c;
INSERT INTO item SELECT i, i % 10000, 'Item ' || i, 1 + i % 9900 / 100.0, repeat('d', 40) FROM generate_series(1, {{items}}) i;
INSERT INTO stock SELECT w_id, i_id, 50, repeat('s', 240), 0, 0, 0, repeat('d', 40) FROM warehouse, item"""

PROCEDURES = f"""
CREATE PROCEDURE new_order_of(w int, d int, INOUT made bigint) LANGUAGE plpgsql AS $$
DECLARE
    o int;
    lines int := 5 + floor(random() * 11);
    touched bigint;
BEGIN
    UPDATE district SET next_o_id = next_o_id + 1 WHERE w_id = w AND d_id = d RETURNING next_o_id INTO o;
    INSERT INTO orders VALUES (w, d, o, 1 + floor(random() * {{customers}}), clock_timestamp(), NULL, lines, 1);
    INSERT INTO new_order VALUES (w, d, o);
    INSERT INTO order_line SELECT w, d, o, n, 1 + floor(random() * {{items}}), w, NULL, 5, 9.99 * n, repeat('i', 24) FROM generate_series(1, lines) n;
    UPDATE stock s SET quantity = s.quantity - 5 + CASE WHEN s.quantity < 15 THEN 91 ELSE 0 END, ytd = ytd + 5, order_cnt = order_cnt + 1
        FROM order_line l WHERE l.w_id = w AND l.d_id = d AND l.o_id = o AND s.w_id = w AND s.i_id = l.i_id;
    GET DIAGNOSTICS touched = ROW_COUNT;
    made := 3 + lines + touched;
END $$;
CREATE PROCEDURE payment_of(w int, d int, INOUT made bigint) LANGUAGE plpgsql AS $$
DECLARE
    c int := 1 + floor(random() * {{customers}});
BEGIN
    UPDATE warehouse SET ytd = ytd + 17 WHERE w_id = w;
    UPDATE district SET ytd = ytd + 17 WHERE w_id = w AND d_id = d;
    UPDATE customer SET balance = balance - 17, ytd_payment = ytd_payment + 17, payment_cnt = payment_cnt + 1
        WHERE w_id = w AND d_id = d AND c_id = c;
    INSERT INTO history VALUES (c, d, w, d, w, clock_timestamp(), 17, 'a payment');
    made := 4;
END $$;
CREATE PROCEDURE delivery_of(w int, INOUT made bigint) LANGUAGE plpgsql AS $$
DECLARE
    o int;
    c int;
    touched bigint;
BEGIN
    made := 0;
    FOR d IN 1..{DISTRICTS} LOOP
        DELETE FROM new_order WHERE (w_id, d_id, o_id) = (SELECT n.w_id, n.d_id, n.o_id FROM new_order n WHERE n.w_id = w AND n.d_id = d
            ORDER BY n.o_id LIMIT 1) RETURNING o_id INTO o;
        CONTINUE WHEN o IS NULL;
        UPDATE orders SET carrier_id = 1 + floor(random() * 10) WHERE w_id = w AND d_id = d AND o_id = o RETURNING c_id INTO c;
        UPDATE order_line SET delivery_d = clock_timestamp() WHERE w_id = w AND d_id = d AND o_id = o;
        GET DIAGNOSTICS touched = ROW_COUNT;
        UPDATE customer SET balance = balance + 50, delivery_cnt = delivery_cnt + 1 WHERE w_id = w AND d_id = d AND c_id = c;
        made := made + 3 + touched;
    END LOOP;
END $$;
CREATE PROCEDURE tpcc(transactions int, INOUT changes bigint) LANGUAGE plpgsql AS $$
DECLARE
    kind float8;
    w int;
    d int;
    made bigint;
BEGIN
    PERFORM setseed(0.5);
    changes := 0;
    FOR i IN 1..transactions LOOP
        kind := random() * 92;
        w := 1 + floor(random() * {WAREHOUSES});
        d := 1 + floor(random() * {DISTRICTS});
        made := 0;
        IF kind < 45 THEN
            CALL new_order_of(w, d, made);
        ELSIF kind < 88 THEN
            CALL payment_of(w, d, made);
        ELSE
            CALL delivery_of(w, made);
        END IF;
        IF kind < 0.45 THEN
            ROLLBACK;
        ELSE
            COMMIT;
            changes := changes + made;
        END IF;
    END LOOP;
END $$"""


def make(bench):
    """(names, statements before, the statement that makes the changes and returns their number)"""
    sizes = {"{items}": str(bench.scaled(ITEMS)), "{customers}": str(max(10, int(CUSTOMERS * min(1, bench.scale))))}
    statements = [TABLES, FILL, PROCEDURES]
    for name, size in sizes.items():
        statements = [each.replace(name, size) for each in statements]
    return NAMES, statements, f"CALL tpcc({bench.scaled(TRANSACTIONS)}, 0)"
