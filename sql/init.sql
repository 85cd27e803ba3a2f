-- Tables and sample rows for PostgreSQL: 100 customers (c001..c100), 50 products (p001..p050).
--
-- Safe to run again, by psql or in one cursor.execute: the sample rows get their values back,
-- every other row stays as it is. No percent sign or colon stands in a statement, so drivers
-- and query builders take the text as it is.

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

-- Of ten customers one is a VIP, four are new and five return.
INSERT INTO customers (customer_id, join_date, segment)
SELECT
    'c' || lpad(CAST(n AS TEXT), 3, '0'),
    DATE '2020-01-01' + mod(n * 37, 1361),
    CASE WHEN mod(n, 10) = 0 THEN 'VIP' WHEN mod(n, 10) < 5 THEN 'New' ELSE 'Returning' END
FROM generate_series(1, 100) AS n
ON CONFLICT (customer_id) DO UPDATE
SET join_date = excluded.join_date, segment = excluded.segment
WHERE (customers.join_date, customers.segment)
    IS DISTINCT FROM (excluded.join_date, excluded.segment);

INSERT INTO products (product_id, product_name, category, price) VALUES
    ('p001', 'Wireless Earbuds',            'Electronics',       59.99),
    ('p002', 'USB-C Charger 65 W',          'Electronics',       34.90),
    ('p003', 'Bluetooth Speaker',           'Electronics',       79.00),
    ('p004', 'Mechanical Keyboard',         'Electronics',      109.95),
    ('p005', 'Webcam 1080p',                'Electronics',       49.50),
    ('p006', 'E-Reader 6"',                 'Electronics',      129.00),
    ('p007', 'Smart Plug',                  'Electronics',       14.99),
    ('p008', '27" Monitor',                 'Electronics',      249.00),
    ('p009', 'Noise-Cancelling Headphones', 'Electronics',      199.95),
    ('p010', 'The Cartographer''s Daughter', 'Books',            12.99),
    ('p011', 'Weeknight Suppers',           'Books',             24.50),
    ('p012', 'A Short History of Tides',    'Books',             16.95),
    ('p013', 'Statistics Without Tears',    'Books',             39.00),
    ('p014', 'Night Train to Trieste',      'Books',              9.99),
    ('p015', 'The Patient Gardener',        'Books',             21.00),
    ('p016', 'Maps for Children',           'Books',             14.25),
    ('p017', 'Collected Poems',             'Books',             18.00),
    ('p018', 'Chef''s Knife 20 cm',         'Home & Kitchen',    64.00),
    ('p019', 'Cast-Iron Skillet',           'Home & Kitchen',    42.75),
    ('p020', 'French Press',                'Home & Kitchen',    27.95),
    ('p021', 'Linen Tablecloth',            'Home & Kitchen',    38.50),
    ('p022', 'Set of 6 Glasses',            'Home & Kitchen',    19.99),
    ('p023', 'Electric Kettle',             'Home & Kitchen',    44.90),
    ('p024', 'Storage Jar 1 L',             'Home & Kitchen',     6.49),
    ('p025', 'Wool Blanket',                'Home & Kitchen',    89.00),
    ('p026', 'Desk Lamp',                   'Home & Kitchen',    33.33),
    ('p027', 'Merino Jumper',               'Clothing',          84.95),
    ('p028', 'Rain Jacket',                 'Clothing',         119.00),
    ('p029', 'Cotton T-Shirt',              'Clothing',          17.90),
    ('p030', 'Denim Jeans',                 'Clothing',          69.95),
    ('p031', 'Running Socks, 3 Pairs',      'Clothing',          12.50),
    ('p032', 'Leather Belt',                'Clothing',          35.00),
    ('p033', 'Wool Beanie',                 'Clothing',          22.40),
    ('p034', 'Canvas Sneakers',             'Clothing',          54.99),
    ('p035', 'Yoga Mat',                    'Sports & Outdoors', 29.95),
    ('p036', 'Water Bottle 750 ml',         'Sports & Outdoors', 18.75),
    ('p037', 'Two-Person Tent',             'Sports & Outdoors', 159.00),
    ('p038', 'Trekking Poles',              'Sports & Outdoors', 46.00),
    ('p039', 'Head Torch',                  'Sports & Outdoors', 31.20),
    ('p040', 'Resistance Bands',            'Sports & Outdoors', 15.49),
    ('p041', 'Bicycle Pump',                'Sports & Outdoors', 24.95),
    ('p042', 'Daypack 25 L',                'Sports & Outdoors', 74.50),
    ('p043', 'Wooden Train Set',            'Toys & Games',      48.00),
    ('p044', '1000-Piece Puzzle',           'Toys & Games',      16.99),
    ('p045', 'Chess Set',                   'Toys & Games',      37.60),
    ('p046', 'Plush Bear',                  'Toys & Games',      19.95),
    ('p047', 'Deck of Cards',               'Toys & Games',       4.99),
    ('p048', 'Building Bricks, 500 Pieces', 'Toys & Games',      32.00),
    ('p049', 'Watercolour Box',             'Toys & Games',      13.10),
    ('p050', 'Sticker',                     'Toys & Games',       0.10)
ON CONFLICT (product_id) DO UPDATE
SET product_name = excluded.product_name, category = excluded.category, price = excluded.price
WHERE (products.product_name, products.category, products.price)
    IS DISTINCT FROM (excluded.product_name, excluded.category, excluded.price);

-- What the pipeline needs and no more: GRANT sales_reader TO its login role.
DO $$
BEGIN
    CREATE ROLE sales_reader NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'this role may not create roles, so sales_reader was not created';
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sales_reader') THEN
        GRANT SELECT ON customers, products TO sales_reader;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'this role may not grant on the tables, so sales_reader was not changed';
END
$$;

-- By default everybody has these two; in a database that was locked down they must be given.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sales_reader') THEN
        GRANT USAGE ON SCHEMA public TO sales_reader;
        EXECUTE 'GRANT CONNECT ON DATABASE ' || quote_ident(current_database())
            || ' TO sales_reader';
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'this role may not grant on the database, so sales_reader was not changed';
END
$$;
