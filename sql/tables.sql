-- The tables that the pipeline reads, and a role that may read them, in a PostgreSQL of one's own.
--
-- It holds no row. Safe to run again and beside tables of these names that are there already, by
-- psql or in one cursor.execute: what is there stays as it is. Tables of other names need none of
-- it: SALES_CUSTOMERS and SALES_PRODUCTS name them. No percent sign or colon stands in a
-- statement, so drivers and query builders take the text as it is.

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
