-- The sample shop for an empty PostgreSQL: tables, 100 customers (c001..c100), 50 products
-- (p001..p050). A database of one's own takes sql/tables.sql instead, which holds no row; and so
-- does whoever wants the role that may only read.
--
-- Safe to run again, by psql or in one cursor.execute: rows of the sample that are missing come
-- back. Where the tables hold any other row, or another value, they are somebody's own: it stops
-- with an error, and nothing of it is done. No percent sign or colon stands in a statement, so
-- drivers and query builders take the text as it is.

DO $$
DECLARE
    others BIGINT;
BEGIN
    -- All in one block: psql goes on with the next statement after an error.
    CREATE TABLE IF NOT EXISTS customers (
        customer_id TEXT PRIMARY KEY,
        join_date   DATE NOT NULL,
        segment     TEXT
    );

    CREATE TABLE IF NOT EXISTS products (
        product_id   TEXT PRIMARY KEY,
        product_name TEXT NOT NULL,
        category     TEXT,
        -- NUMERIC takes NaN and sorts it above every number
        price        NUMERIC(10, 2) NOT NULL CHECK (price > 0 AND price < 'NaN')
    );

    -- Others are counted as they were before: one statement does not see what it inserts.
    WITH sample (customer_id, join_date, segment) AS (
        SELECT customer_id, CAST(join_date AS DATE), segment FROM (VALUES
            ('c001', '2024-12-05', 'Regular'),  ('c002', '2025-07-21', 'VIP'),
            ('c003', '2025-08-31', 'New'),      ('c004', '2025-05-21', 'VIP'),
            ('c005', '2025-01-28', 'Regular'),  ('c006', '2025-01-20', 'Regular'),
            ('c007', '2024-05-09', 'Regular'),  ('c008', '2024-08-22', 'Regular'),
            ('c009', '2023-10-03', 'VIP'),      ('c010', '2025-03-28', 'New'),
            ('c011', '2024-02-29', 'Lapsed'),   ('c012', '2025-05-09', 'New'),
            ('c013', '2025-02-11', 'New'),      ('c014', '2025-03-05', 'New'),
            ('c015', '2023-11-16', 'VIP'),      ('c016', '2025-08-13', 'New'),
            ('c017', '2025-05-19', 'New'),      ('c018', '2025-06-06', 'VIP'),
            ('c019', '2024-06-30', 'Regular'),  ('c020', '2025-03-24', 'New'),
            ('c021', '2024-04-13', 'Regular'),  ('c022', '2025-03-22', 'New'),
            ('c023', '2024-07-27', 'Regular'),  ('c024', '2023-11-01', 'Regular'),
            ('c025', '2025-05-28', 'VIP'),      ('c026', '2025-03-02', 'Regular'),
            ('c027', '2023-11-03', 'Lapsed'),   ('c028', '2024-12-03', 'VIP'),
            ('c029', '2025-01-31', 'Regular'),  ('c030', '2023-10-15', 'VIP'),
            ('c031', '2024-12-26', 'Regular'),  ('c032', '2024-08-25', 'Regular'),
            ('c033', '2025-08-26', 'New'),      ('c034', '2023-12-27', 'Lapsed'),
            ('c035', '2023-10-29', 'Lapsed'),   ('c036', '2025-07-14', 'VIP'),
            ('c037', '2024-07-08', 'Regular'),  ('c038', '2024-08-26', 'Regular'),
            ('c039', '2023-12-06', 'VIP'),      ('c040', '2024-09-30', 'Regular'),
            ('c041', '2024-02-04', 'Regular'),  ('c042', '2024-05-24', 'Regular'),
            ('c043', '2023-11-03', 'Lapsed'),   ('c044', '2023-12-19', 'Lapsed'),
            ('c045', '2024-05-05', 'Regular'),  ('c046', '2024-11-22', 'Regular'),
            ('c047', '2025-08-03', 'New'),      ('c048', '2025-03-24', 'New'),
            ('c049', '2024-05-12', 'Lapsed'),   ('c050', '2024-02-29', 'Lapsed'),
            ('c051', '2023-09-03', 'Lapsed'),   ('c052', '2025-08-21', 'New'),
            ('c053', '2023-12-04', 'VIP'),      ('c054', '2024-02-12', 'Lapsed'),
            ('c055', '2024-08-26', 'VIP'),      ('c056', '2024-12-25', 'Regular'),
            ('c057', '2024-06-04', 'Regular'),  ('c058', '2024-07-24', 'Regular'),
            ('c059', '2024-11-13', 'Regular'),  ('c060', '2025-04-03', 'Regular'),
            ('c061', '2024-01-15', 'Lapsed'),   ('c062', '2024-02-02', 'Lapsed'),
            ('c063', '2024-12-10', 'Regular'),  ('c064', '2023-12-12', 'Lapsed'),
            ('c065', '2023-11-14', 'Regular'),  ('c066', '2024-12-22', 'Regular'),
            ('c067', '2025-04-28', 'New'),      ('c068', '2024-03-09', 'Lapsed'),
            ('c069', '2025-06-04', 'New'),      ('c070', '2025-08-20', 'New'),
            ('c071', '2024-03-01', 'Regular'),  ('c072', '2024-06-12', 'VIP'),
            ('c073', '2023-09-11', 'Lapsed'),   ('c074', '2025-04-22', 'Regular'),
            ('c075', '2024-03-31', 'Regular'),  ('c076', '2024-11-24', 'Regular'),
            ('c077', '2025-02-21', 'New'),      ('c078', '2024-03-17', 'Regular'),
            ('c079', '2024-06-02', 'Regular'),  ('c080', '2024-01-05', 'Regular'),
            ('c081', '2024-06-25', 'Regular'),  ('c082', '2024-01-04', 'Regular'),
            ('c083', '2025-03-14', 'Regular'),  ('c084', '2024-07-19', 'Regular'),
            ('c085', '2025-03-16', 'New'),      ('c086', '2024-01-02', 'Regular'),
            ('c087', '2025-03-23', 'VIP'),      ('c088', '2024-06-22', 'Lapsed'),
            ('c089', '2023-12-26', 'Regular'),  ('c090', '2024-03-20', 'VIP'),
            ('c091', '2025-08-03', 'New'),      ('c092', '2025-07-16', 'New'),
            ('c093', '2024-09-06', 'Regular'),  ('c094', '2024-01-12', 'Lapsed'),
            ('c095', '2025-07-03', 'New'),      ('c096', '2025-06-27', 'New'),
            ('c097', '2025-06-17', 'New'),      ('c098', '2024-03-04', 'Regular'),
            ('c099', '2025-02-17', 'New'),      ('c100', '2025-03-14', 'New')
        ) AS listed (customer_id, join_date, segment)
    ), added AS (
        INSERT INTO customers (customer_id, join_date, segment)
        SELECT customer_id, join_date, segment FROM sample
        ON CONFLICT (customer_id) DO NOTHING
    )
    SELECT count(*) INTO others
    FROM customers LEFT JOIN sample USING (customer_id, join_date, segment)
    WHERE sample.customer_id IS NULL;
    IF others > 0 THEN
        RAISE EXCEPTION USING MESSAGE = others || ' rows of customers are not of this sample, so '
            || 'nothing was changed. sql/tables.sql is for a database of your own.';
    END IF;

    WITH sample (product_id, product_name, category, price) AS (
        VALUES
            ('p001', 'Product Gamma 1',    'Electronics', 149.99),
            ('p002', 'Product Alpha 2',    'Books',        24.50),
            ('p003', 'Product Iota 3',     'Sports',      100.00),
            ('p004', 'Product Gamma 4',    'Home',        102.90),
            ('p005', 'Product Iota 5',     'Electronics', 288.90),
            ('p006', 'Product Zeta 6',     'Books',         8.95),
            ('p007', 'Product Iota 7',     'Home',         81.25),
            ('p008', 'Product Eta 8',      'Books',        23.90),
            ('p009', 'Product Gamma 9',    'Books',        19.99),
            ('p010', 'Product Zeta 10',    'Books',        40.00),
            ('p011', 'Product Delta 11',   'Clothing',     89.99),
            ('p012', 'Product Kappa 12',   'Electronics', 279.90),
            ('p013', 'Product Iota 13',    'Home',         65.99),
            ('p014', 'Product Gamma 14',   'Toys',         78.00),
            ('p015', 'Product Epsilon 15', 'Clothing',    158.95),
            ('p016', 'Product Gamma 16',   'Home',          8.99),
            ('p017', 'Product Theta 17',   'Electronics', 116.25),
            ('p018', 'Product Delta 18',   'Sports',       87.99),
            ('p019', 'Product Theta 19',   'Toys',          5.49),
            ('p020', 'Product Zeta 20',    'Sports',       53.25),
            ('p021', 'Product Theta 21',   'Books',        12.49),
            ('p022', 'Product Iota 22',    'Clothing',     55.00),
            ('p023', 'Product Beta 23',    'Toys',          0.99),
            ('p024', 'Product Epsilon 24', 'Sports',      194.00),
            ('p025', 'Product Delta 25',   'Toys',          2.50),
            ('p026', 'Product Iota 26',    'Home',         22.90),
            ('p027', 'Product Eta 27',     'Books',         8.49),
            ('p028', 'Product Iota 28',    'Sports',      239.90),
            ('p029', 'Product Eta 29',     'Electronics', 128.95),
            ('p030', 'Product Theta 30',   'Books',        40.99),
            ('p031', 'Product Epsilon 31', 'Books',         9.99),
            ('p032', 'Product Iota 32',    'Clothing',     12.50),
            ('p033', 'Product Zeta 33',    'Home',        133.90),
            ('p034', 'Product Eta 34',     'Home',        165.25),
            ('p035', 'Product Beta 35',    'Clothing',     25.99),
            ('p036', 'Product Iota 36',    'Clothing',     12.25),
            ('p037', 'Product Epsilon 37', 'Home',         19.25),
            ('p038', 'Product Zeta 38',    'Electronics', 349.50),
            ('p039', 'Product Kappa 39',   'Sports',       11.90),
            ('p040', 'Product Alpha 40',   'Electronics', 736.50),
            ('p041', 'Product Eta 41',     'Sports',       45.95),
            ('p042', 'Product Kappa 42',   'Books',        16.00),
            ('p043', 'Product Beta 43',    'Toys',         80.25),
            ('p044', 'Product Iota 44',    'Clothing',     24.00),
            ('p045', 'Product Kappa 45',   'Toys',         79.50),
            ('p046', 'Product Theta 46',   'Clothing',     28.90),
            ('p047', 'Product Iota 47',    'Electronics', 437.49),
            ('p048', 'Product Delta 48',   'Toys',          0.10),
            ('p049', 'Product Zeta 49',    'Electronics',  21.00),
            ('p050', 'Product Delta 50',   'Electronics', 299.95)
    ), added AS (
        INSERT INTO products (product_id, product_name, category, price)
        SELECT product_id, product_name, category, price FROM sample
        ON CONFLICT (product_id) DO NOTHING
    )
    SELECT count(*) INTO others
    FROM products LEFT JOIN sample USING (product_id, product_name, category, price)
    WHERE sample.product_id IS NULL;
    IF others > 0 THEN
        RAISE EXCEPTION USING MESSAGE = others || ' rows of products are not of this sample, so '
            || 'nothing was changed. sql/tables.sql is for a database of your own.';
    END IF;
EXCEPTION
    WHEN undefined_column OR datatype_mismatch OR undefined_function OR invalid_column_reference
        OR wrong_object_type OR object_not_in_prerequisite_state THEN
        RAISE EXCEPTION USING MESSAGE = 'customers and products are here already, and are other '
            || 'tables than those of this sample, so nothing was changed. SALES_CUSTOMERS and '
            || 'SALES_CUSTOMER_COLUMNS name tables of your own, SALES_PRODUCTS and '
            || 'SALES_PRODUCT_COLUMNS likewise.';
END
$$;
