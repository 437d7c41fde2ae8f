"""Statements that have got past a gate somewhere, or were made to: each with what a refusal of it must name.

`orders` is about persons (`who`), whose `email` nobody may see; `elsewhere` is not agreed on. One a line, parted by ` → `; a line
that begins with `##` is a remark.
"""

from __future__ import annotations

BYPASSES = """
## columns without a column
SELECT columns('em.*') FROM orders                                                         → columns
SELECT columns(*) FROM orders                                                              → columns
SELECT coalesce(*columns('em.*')) FROM orders                                              → columns
SELECT count(columns('em.*')) FROM orders                                                  → columns
SELECT sum(columns(c -> c LIKE 'a%')) FROM orders                                          → columns
SELECT * LIKE 'e%' FROM orders                                                             → LIKE
SELECT * NOT LIKE 'a%' FROM orders                                                         → LIKE
SELECT * SIMILAR TO 'e.*' FROM orders                                                      → SIMILAR
SELECT * GLOB 'e*' FROM orders                                                             → GLOB
SELECT #2 FROM orders                                                                      → #2
SELECT count(#2) FROM orders                                                               → #2
SELECT count(*) FROM orders ORDER BY #1                                                    → #1
SELECT * EXCLUDE (amount) FROM orders                                                      → EXCLUDE
SELECT * REPLACE (email AS amount) FROM orders                                             → REPLACE
SELECT * RENAME (email AS amount) FROM orders                                              → RENAME
SELECT orders.* FROM orders                                                                → records
SELECT email FROM orders                                                                   → records
SELECT "EMAIL" FROM orders                                                                 → records
SELECT o.email FROM orders AS o                                                            → records
SELECT x.email FROM orders AS o                                                            → x.email
SELECT main.orders.email FROM orders                                                       → email
SELECT count(main.orders.email) FROM orders                                                → email
SELECT struct_pack(a := email) FROM orders                                                 → {'a'
## the whole row
SELECT orders FROM orders                                                                  → records
SELECT count(orders) FROM orders                                                           → orders
SELECT to_json(orders) FROM orders                                                         → to_json
SELECT hash(orders) FROM orders                                                            → hash
SELECT list(orders) FROM orders                                                            → ARRAY_AGG
SELECT array_agg(email) FROM orders                                                        → array_agg
SELECT string_agg(email, ',') FROM orders                                                  → LISTAGG
SELECT first(email) FROM orders                                                            → first
SELECT any_value(email) FROM orders                                                        → any_value
SELECT arg_max(email, amount) FROM orders                                                  → arg_max
SELECT mode(email) FROM orders                                                             → mode
SELECT histogram(email) FROM orders                                                        → histogram
SELECT approx_top_k(email, 3) FROM orders                                                  → approx_top_k
SELECT bit_xor(amount) FROM orders                                                         → bit_xor
SELECT product(amount) FROM orders                                                         → product
SELECT min(email), max(email) FROM orders                                                  → MIN
SELECT entropy(email) FROM orders                                                          → entropy
SELECT sum(DISTINCT amount) FROM orders                                                    → DISTINCT
SELECT count(DISTINCT email) FROM orders                                                   → different values
SELECT row(email, amount) FROM orders                                                      → row
SELECT (email, amount) FROM orders                                                         → (email, amount)
SELECT {'a': email} FROM orders                                                            → {'a'
SELECT map {email: amount} FROM orders                                                     → MAP
SELECT [email] FROM orders                                                                 → [email]
SELECT [x FOR x IN [email]] FROM orders                                                    → [
SELECT list_transform([email], x -> x) FROM orders                                         → list_transform
SELECT reduce([amount], (a, b) -> a + b) FROM orders                                       → cannot be read
SELECT apply([email], lambda x: x) FROM orders                                             → cannot be read
SELECT email[1] FROM orders                                                                → email[1]
SELECT email[1:3] FROM orders                                                              → email[1
SELECT orders['email'] FROM orders                                                         → orders
SELECT struct_extract(orders, 'email') FROM orders                                         → struct_extract
SELECT unnest(list(email)) FROM orders                                                     → unnest
SELECT email -> '$.a' FROM orders                                                          → ->
## SQL within a text
SELECT * FROM query('SELECT email FROM orders')                                            → query
SELECT * FROM query_table('orders')                                                        → query_table
SELECT count(*) FROM query_table(['orders'])                                               → query_table
SELECT count(*) FROM query('SELECT ' || 'email FROM orders')                               → query
SELECT json_execute_serialized_sql('{}') FROM orders                                       → json_execute_serialized_sql
SELECT json_serialize_sql('SELECT 1') FROM orders                                          → json_serialize_sql
FROM sql_auto_complete('SEL')                                                              → sql_auto_complete
## what describes
SELECT * FROM (SUMMARIZE orders)                                                           → SUMMARIZE
SELECT * FROM (DESCRIBE orders)                                                            → DESCRIBE
SELECT * FROM (SHOW TABLES)                                                                → rows of
SELECT * FROM (SHOW ALL TABLES)                                                            → cannot be read
SUMMARIZE orders                                                                           → SUMMARIZE
DESCRIBE orders                                                                            → DESCRIBE
SHOW TABLES                                                                                → SHOW
SHOW ALL                                                                                   → cannot be read
SELECT * FROM duckdb_tables()                                                              → duckdb_tables
SELECT * FROM duckdb_columns()                                                             → duckdb_columns
SELECT count(*) FROM duckdb_settings()                                                     → duckdb_settings
SELECT * FROM information_schema.columns                                                   → information_schema
SELECT count(*) FROM information_schema.tables                                             → information_schema
SELECT count(*) FROM pg_catalog.pg_class                                                   → pg_catalog
SELECT count(*) FROM sqlite_master                                                         → sqlite_master
SELECT * FROM pragma_table_info('orders')                                                  → pragma_table_info
PRAGMA table_info('orders')                                                                → PRAGMA
SELECT stats(email) FROM orders                                                            → stats
SELECT current_setting('memory_limit') FROM orders                                         → current_setting
SELECT count(*) FROM orders WHERE current_query() = ''                                     → current_query
SELECT version() FROM orders                                                               → version
SELECT current_user FROM orders                                                            → CURRENT_USER
SELECT getvariable('x') FROM orders                                                        → getvariable
SELECT getenv('HOME') FROM orders                                                          → getenv
SELECT nextval('s') FROM orders                                                            → nextval
SELECT txid_current() FROM orders                                                          → txid_current
SELECT now() FROM orders                                                                   → NOW
SELECT count(*) FROM orders WHERE random() < 0.5                                           → RAND
SELECT rowid FROM orders                                                                   → records
SELECT count(*) FROM orders WHERE rowid = 3                                                → rowid
SELECT count(*) FROM orders GROUP BY file_row_number                                       → file_row_number
## what changes something
WITH x AS (INSERT INTO orders VALUES (1) RETURNING *) SELECT count(*) FROM x               → INSERT
WITH x AS (DELETE FROM orders RETURNING *) SELECT count(*) FROM x                          → DELETE
WITH x AS (UPDATE orders SET amount = 0 RETURNING *) SELECT count(*) FROM x                → UPDATE
INSERT INTO orders SELECT * FROM orders                                                    → INSERT
UPDATE orders SET amount = 0                                                               → UPDATE
DELETE FROM orders                                                                         → DELETE
TRUNCATE orders                                                                            → TRUNCATE
DROP TABLE orders                                                                          → DROP
ALTER TABLE orders RENAME TO x                                                             → ALTER
CREATE TABLE x AS SELECT * FROM orders                                                     → CREATE
CREATE MACRO m() AS TABLE SELECT * FROM orders                                             → CREATE
SELECT * INTO x FROM orders                                                                → INTO
COPY orders TO '/tmp/x'                                                                    → COPY
COPY (SELECT email FROM orders) TO '/dev/stdout'                                           → COPY
EXPORT DATABASE '/tmp/x'                                                                   → cannot be read
ATTACH ':memory:' AS x                                                                     → ATTACH
USE memory                                                                                 → USE
SET VARIABLE x = 1                                                                         → SET
SET memory_limit = '100GB'                                                                 → SET
RESET memory_limit                                                                         → RESET
INSTALL httpfs                                                                             → INSTALL
LOAD httpfs                                                                                → LOAD
CHECKPOINT                                                                                 → CHECKPOINT
VACUUM                                                                                     → VACUUM
BEGIN TRANSACTION                                                                          → BEGIN
SELECT write_log('x') FROM orders                                                          → write_log
## other kinds of statements
EXPLAIN SELECT count(*) FROM orders                                                        → EXPLAIN
EXPLAIN ANALYZE SELECT email FROM orders                                                   → EXPLAIN
PREPARE p AS SELECT email FROM orders                                                      → PREPARE
EXECUTE p                                                                                  → EXECUTE
CALL duckdb_tables()                                                                       → CALL
VALUES (1)                                                                                 → VALUES
TABLE orders                                                                               → records
PIVOT orders ON region USING sum(amount)                                                   → PIVOT
UNPIVOT orders ON amount INTO NAME n VALUE v                                               → UNPIVOT
SELECT * FROM orders PIVOT (sum(amount) FOR region IN ('n', 's'))                          → PIVOT
SELECT * FROM (PIVOT orders ON email USING count(*))                                       → PIVOT
SELECT count(*) FROM orders; SELECT email FROM orders                                      → 2 statements
SELECT count(*) FROM orders; DROP TABLE orders                                             → 2 statements
;                                                                                          → no statement
-- nothing                                                                                 → no statement
FROM orders                                                                                → records
FROM orders SELECT email                                                                   → records
FROM orders |> SELECT email                                                                → rows of
FROM orders |> AGGREGATE count(*)                                                          → rows of
SELECT count(*) FROM orders UNION ALL SELECT email FROM orders                             → UNION
SELECT count(*) FROM orders EXCEPT SELECT 1                                                → EXCEPT
SELECT count(*) FROM orders INTERSECT SELECT 1                                             → INTERSECT
(SELECT email FROM orders)                                                                 → not a question
## other tables, other rows
SELECT count(*) FROM main.orders                                                           → main
SELECT count(*) FROM memory.main.orders                                                    → memory
SELECT count(*) FROM elsewhere                                                             → elsewhere
SELECT count(*) FROM 'elsewhere'                                                           → elsewhere
SELECT count(*) FROM '/etc/passwd'                                                         → /etc/passwd
SELECT count(*) FROM 'x.csv'                                                               → x.csv
SELECT count(*) FROM read_csv('/etc/passwd')                                               → read_csv
SELECT count(*) FROM read_text('/etc/passwd')                                              → READ
SELECT count(*) FROM glob('*')                                                             → GLOB
SELECT count(*) FROM range(10)                                                             → range
SELECT count(*) FROM generate_series(1, 1000000000)                                        → GENERATE_SERIES
SELECT count(*) FROM repeat_row(1, num_rows = 9)                                           → repeat_row
SELECT count(*) FROM (VALUES (1), (2)) AS t(x)                                             → VALUES
SELECT count(*) FROM unnest([1, 2])                                                        → UNNEST
SELECT count(*) FROM orders, orders AS o                                                   → nothing
SELECT count(*) FROM orders CROSS JOIN orders AS o                                         → CROSS
SELECT count(*) FROM orders POSITIONAL JOIN orders AS o                                    → POSITIONAL
SELECT count(*) FROM orders ASOF JOIN orders AS o USING (who)                              → ASOF
SELECT count(*) FROM orders NATURAL JOIN elsewhere                                         → NATURAL
SELECT count(*) FROM orders SEMI JOIN orders AS o ON orders.who = o.who                    → SEMI
SELECT count(*) FROM orders ANTI JOIN orders AS o ON orders.who = o.who                    → ANTI
SELECT count(*) FROM orders RIGHT JOIN orders AS o ON orders.who = o.who                   → RIGHT
SELECT count(*) FROM orders FULL JOIN orders AS o ON orders.who = o.who                    → FULL
SELECT count(*) FROM orders JOIN orders AS o ON orders.region = o.region                   → not on the person
SELECT count(*) FROM orders JOIN orders AS o ON orders.who <> o.who                        → equal columns
SELECT count(*) FROM orders JOIN orders AS o ON true                                       → equal columns
SELECT count(*) FROM orders JOIN orders AS o ON orders.who = o.email                       → join of persons
SELECT count(*) FROM orders JOIN orders AS o ON orders.who = o.who OR 1=1                  → equal columns
SELECT count(*) FROM orders, LATERAL (SELECT orders.email) AS x                            → LATERAL
SELECT count(*) FROM orders AT (VERSION => 1)                                              → VERSION
SELECT count(*) FROM orders TABLESAMPLE 10%                                                → SAMPLE
SELECT count(*) FROM orders USING SAMPLE 1 ROWS                                            → SAMPLE
WITH orders AS (SELECT * FROM orders) SELECT count(*) FROM orders                          → within itself
WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT count(*) FROM b                 → within itself
WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t   → RECURSIVE
WITH t AS (FROM query('SELECT 1')) SELECT count(*) FROM t                                  → query
WITH t AS MATERIALIZED (SELECT * FROM orders) SELECT count(*) FROM t                       → MATERIALIZED
WITH elsewhere AS (SELECT email FROM orders) SELECT email FROM elsewhere                   → rows of
SELECT count(*) FROM (WITH t AS (SELECT * FROM elsewhere) SELECT * FROM t)                 → WITH
SELECT count(*) FROM (SELECT * FROM orders LIMIT 1)                                        → LIMIT
SELECT count(*) FROM (SELECT * FROM orders ORDER BY amount LIMIT 1)                        → ORDER
SELECT count(*) FROM (SELECT DISTINCT region FROM orders)                                  → DISTINCT
SELECT count(*) FROM (SELECT DISTINCT ON (region) * FROM orders)                           → DISTINCT
SELECT count(*) FROM (SELECT * FROM orders OFFSET 3)                                       → OFFSET
SELECT count(*) FROM (SELECT region, sum(amount) AS s FROM orders GROUP BY region)         → several persons
SELECT count(*) FROM (SELECT sum(amount) AS s FROM orders)                                 → several persons
SELECT count(*) FROM (SELECT amount, row_number() OVER (ORDER BY amount) AS r FROM orders) → several persons
SELECT count(*) FROM (SELECT sum(amount) OVER () AS s FROM orders)                         → several persons
SELECT count(*) FROM (SELECT lag(amount) OVER (PARTITION BY region ORDER BY amount) AS r FROM orders) → several persons
SELECT sum(amount) OVER () FROM orders                                                     → window
SELECT count(*) FROM orders QUALIFY row_number() OVER (ORDER BY amount) = 1                → QUALIFY
SELECT count(*) FROM (SELECT ntile(4) OVER (PARTITION BY who ORDER BY amount) AS n FROM orders) → NTILE
SELECT count(*) FROM (SELECT sum(amount) OVER (PARTITION BY who ROWS 1 PRECEDING) AS n FROM orders) → frame
SELECT count(*) FROM (SELECT sum(amount) OVER w AS n FROM orders WINDOW w AS (PARTITION BY who)) → w
SELECT count(*) FROM orders WHERE amount > (SELECT avg(amount) FROM orders)                → subquery
SELECT count(*) FROM orders WHERE who IN (SELECT who FROM elsewhere)                       → subquery
SELECT count(*) FROM orders WHERE EXISTS (SELECT 1 FROM elsewhere)                         → EXISTS
SELECT count(*) FROM orders WHERE amount > ALL (SELECT amount FROM orders)                 → ALL
SELECT count(*) FROM orders WHERE amount = ANY ([1, 2])                                    → ANY
SELECT (SELECT count(*) FROM orders) FROM orders                                           → subquery
SELECT count(*), (SELECT email FROM orders LIMIT 1) FROM orders                            → subquery
## groups
SELECT region, count(*) FROM orders GROUP BY ALL                                           → ALL
SELECT region, count(*) FROM orders GROUP BY CUBE (region)                                 → CUBE
SELECT region, count(*) FROM orders GROUP BY ROLLUP (region)                               → ROLLUP
SELECT region, count(*) FROM orders GROUP BY GROUPING SETS ((region), ())                  → GROUPING SETS
SELECT region, count(*) FROM orders GROUP BY region ORDER BY ALL                           → ALL
SELECT email, count(*) FROM orders                                                         → email
SELECT who, count(*) FROM orders GROUP BY who                                              → who
SELECT count(*) FROM orders GROUP BY who                                                   → who
SELECT region, count(*) FROM orders GROUP BY region HAVING max(amount) > 3                 → MAX
SELECT region, count(*) FROM orders GROUP BY region ORDER BY max(amount)                   → MAX
SELECT region, count(*) FROM orders GROUP BY region HAVING email = 'a'                     → email
SELECT count(*) FROM orders ORDER BY email                                                 → email
SELECT DISTINCT region FROM orders                                                         → DISTINCT
SELECT DISTINCT ON (email) email FROM orders                                               → DISTINCT
SELECT grouping(region), count(*) FROM orders GROUP BY region                              → GROUPING
SELECT count(*) FROM orders LIMIT 10%                                                      → LIMIT
SELECT count(*) FROM orders LIMIT (SELECT count(*) FROM orders)                            → LIMIT
SELECT count(*) FROM orders FETCH FIRST 1 ROWS ONLY                                        → FETCH
## expressions that fail, take long or tell
SELECT count(*) FROM orders WHERE error('x')                                               → error
SELECT count(*) FROM orders WHERE CASE WHEN email = 'a@b' THEN error('x') ELSE true END    → error
SELECT count(*) FROM orders WHERE CAST(email AS INTEGER) = 1                               → CAST
SELECT count(*) FROM orders WHERE email::INTEGER = 1                                       → CAST
SELECT count(*) FROM orders WHERE TRY_CAST(email AS INTEGER) = 1                           → CAST
SELECT count(*) FROM orders WHERE INTEGER 'x' = amount                                     → CAST
SELECT count(*) FROM orders WHERE DATE '2020-01-01' < DATE '2021-01-01'                    → CAST
SELECT count(*) FROM orders WHERE amount / 0 > 1                                           → division
SELECT count(*) FROM orders WHERE amount // 0 > 1                                          → divides by
SELECT count(*) FROM orders WHERE amount % 0 > 1                                           → divides by
SELECT count(*) FROM orders WHERE amount // quantity > 1                                   → divides by
SELECT count(*) FROM orders WHERE floor(amount / quantity) > 1                             → divides by
SELECT count(*) FROM orders WHERE sqrt(amount) > 1                                         → SQRT
SELECT count(*) FROM orders WHERE ln(amount) > 1                                           → LN
SELECT count(*) FROM orders WHERE amount ** 40 > 1                                         → amount
SELECT count(*) FROM orders WHERE pow(amount, 99) > 1                                      → POW
SELECT count(*) FROM orders WHERE amount ^ 2 > 1                                           → amount
SELECT count(*) FROM orders WHERE quantity << 60 > 1                                       → <<
SELECT count(*) FROM orders WHERE quantity & 1 = 1                                         → &
SELECT count(*) FROM orders WHERE ~quantity = 1                                            → ~
SELECT count(*) FROM orders WHERE quantity! > 1                                            → cannot be read
SELECT count(*) FROM orders WHERE factorial(quantity) > 1                                  → FACTORIAL
SELECT count(*) FROM orders WHERE amount * amount * amount * amount > 1                    → too large
SELECT sum(quantity * 99999999999999999) FROM orders                                       → too large
SELECT count(*) FROM orders WHERE quantity = 9223372036854775808                           → too large
SELECT count(*) FROM orders WHERE quantity = 1e30                                          → 1e30
SELECT count(*) FROM orders WHERE amount = 1.23456                                         → finer
SELECT count(*) FROM orders WHERE amount > 'x'                                             → cannot be compared
SELECT count(*) FROM orders WHERE amount = 'Infinity'                                      → cannot be compared
SELECT sum(score) FROM orders                                                              → no declared bounds
SELECT sum(score + 1) FROM orders                                                          → no declared bounds
SELECT sum(email) FROM orders                                                              → email
SELECT count(*) FROM orders WHERE who = 'ann'                                              → who
SELECT count(*) FROM orders WHERE who IS NULL                                              → who
SELECT count(*) FROM orders WHERE who IN ('ann', 'bob')                                    → who
SELECT count(*) FROM orders WHERE substr(who, 1, 1) = 'a'                                  → who
SELECT count(*) FROM (SELECT who AS x, amount FROM orders) WHERE x = 'ann'                 → who
SELECT x, count(*) FROM (SELECT who AS x, amount FROM orders) GROUP BY x                   → x
SELECT count(CASE WHEN who = 'ann' THEN 1 END) FROM orders                                 → who
SELECT count(*) FROM (SELECT coalesce(who, 'x') AS x FROM orders) WHERE x = 'ann'          → who
SELECT quantile_cont(amount, 0) FROM orders                                                → quantile
SELECT quantile_cont(amount, [0.1, 0.9]) FROM orders                                       → [0.1
SELECT quantile_cont(amount, 0.00001) FROM orders                                          → quantile
SELECT quantile_disc(amount, 0.5) FROM orders                                              → QUANTILE_DISC
SELECT count(*) FROM orders WHERE email LIKE 'a%'                                          → LIKE
SELECT count(*) FROM orders WHERE email ILIKE 'a%'                                         → ILIKE
SELECT count(*) FROM orders WHERE email SIMILAR TO '(a+)+b'                                → SIMILAR
SELECT count(*) FROM orders WHERE email GLOB 'a*'                                          → GLOB
SELECT count(*) FROM orders WHERE email ~ '(a+)+b'                                         → REGEXP
SELECT count(*) FROM orders WHERE regexp_matches(email, '(a+)+b')                          → REGEXP
SELECT count(*) FROM orders WHERE contains(email, 'a')                                     → CONTAINS
SELECT count(*) FROM orders WHERE starts_with(email, 'a')                                  → STARTS_WITH
SELECT count(*) FROM orders WHERE email ^@ 'a'                                             → STARTS_WITH
SELECT count(*) FROM orders WHERE repeat(email, 100000000) = 'a'                           → REPEAT
SELECT count(*) FROM orders WHERE email || email = 'a'                                     → email
SELECT count(*) FROM orders WHERE lpad(email, 100000000, 'x') = 'a'                        → LPAD
SELECT count(*) FROM orders WHERE md5(email) = 'a'                                         → MD5
SELECT count(*) FROM orders WHERE hash(email) % 7 = 1                                      → hash
SELECT count(*) FROM orders WHERE length(email) = 9                                        → LENGTH
SELECT count(*) FROM orders WHERE upper(email) = 'A'                                       → UPPER
SELECT count(*) FROM orders WHERE email COLLATE NOCASE = 'a'                               → COLLATE
SELECT count(*) FROM orders WHERE levenshtein(email, 'a') < 3                              → LEVENSHTEIN
SELECT count(*) FROM orders WHERE ascii(email) = 65                                        → ascii
SELECT count(*) FROM orders WHERE email[1] = 'a'                                           → email[1]
SELECT count(*) FROM orders WHERE substr(email, quantity, 1) = 'a'                         → SUBSTR
SELECT count(*) FROM orders WHERE substr(email, 0, 1) = 'a'                                → SUBSTR
SELECT count(*) FROM orders WHERE substr(email, 2) = 'a'                                   → SUBSTR
SELECT count(*) FROM orders WHERE concat(email, '') = 'a'                                  → CONCAT
SELECT count(*) FROM orders WHERE date_trunc('day', now()) IS NULL                         → DATE_TRUNC
SELECT count(*) FROM orders WHERE amount IS DISTINCT FROM 3                                → DISTINCT
SELECT count(*) FROM orders WHERE email IN (email)                                         → IN
SELECT count(*) FROM orders WHERE uuid() IS NULL                                           → UUID
SELECT count(*) FROM orders WHERE sleep_ms(1000) = 1                                       → sleep_ms
SELECT count(*) FROM orders WHERE try(error('x'))                                          → error
SELECT alias(email) FROM orders                                                            → alias
SELECT typeof(email) FROM orders                                                           → TYPEOF
SELECT count(*) FROM orders WHERE amount = $1                                              → parameter
SELECT count(*) FROM orders WHERE amount = ?                                               → parameter
SELECT count(*) FROM orders WHERE amount = $x                                              → parameter
SELECT sum(amount ORDER BY email) FROM orders                                              → ORDER
SELECT count(*) + 1 FROM orders                                                            → arithmetic
SELECT sum(amount) / count(*) FROM orders                                                  → arithmetic
SELECT CASE WHEN count(*) = 1 THEN 1 END FROM orders                                       → arithmetic
SELECT covar_pop(amount, quantity) FROM orders                                             → covar_pop
SELECT corr(amount, quantity) FROM orders                                                  → CORR
SELECT min(who) FROM orders                                                                → MIN
SELECT count(who || '') FROM orders                                                        → who
"""

SPELLINGS = {
    "a quoted dollar": ("SELECT count(*) FROM orders WHERE email = $$a$$ AND nothing = 1", "'a'"),
    "a tagged dollar": ("SELECT $q$x$q$ FROM orders", "x"),
    "an escape": (r"SELECT count(*) FROM orders WHERE email = e'\x61' OR who = 'a'", "e'a'"),
    "a unicode escape": (r"SELECT U&'\0065mail' FROM orders", "0065"),
    "a unicode identifier": (r'SELECT U&"\0065mail" FROM orders', "0065"),
    "a comment within": ("SELECT em/**/ail FROM orders", "records"),
    "a comment with a line": ("SELECT count(*) -- \n, email FROM orders", "email"),
    "a nested comment": ("SELECT count(*) /* /* */ */ , email FROM orders", "email"),
    "a hint": ("SELECT /*+ x */ email FROM orders", ""),
    "a mark of no width": ("SELECT count(*) FROM ord\u200bers", "U+200B"),
    "writing turned round": ("SELECT count(*) FROM orders WHERE email = '\u202e'", "U+202E"),
    "a null": ("SELECT count(*) FROM orders\x00", "U+0000"),
    "half a character": ("SELECT count(*) FROM orders WHERE email = '\ud800'", "U+D800"),
    "a byte order mark": ("\ufeffSELECT email FROM orders", "U+FEFF"),
    "wide letters": ("ＳＥＬＥＣＴ email FROM orders", ""),
    "a wide space": ("SELECT\u3000email\u3000FROM\u3000orders", ""),
    "no break space": ("SELECT\u00a0email FROM orders", "records"),
    "a Greek question mark": ("SELECT count(*) FROM orders\u037e DROP TABLE orders", ""),
    "many brackets": (f"SELECT count(*) FROM orders WHERE {'(' * 500}1=1{')' * 500}", "deep"),
    "many minuses": (f"SELECT count(*) FROM orders WHERE amount = {'- ' * 900}1", "deep"),
    "many nots": (f"SELECT count(*) FROM orders WHERE {'NOT ' * 900}true", "deep"),
    "many subqueries": (f"SELECT count(*) FROM {'(SELECT * FROM ' * 100}orders{')' * 100}", "deep"),
    "many cases": (f"SELECT sum({'CASE WHEN true THEN ' * 300}1{' END' * 300}) FROM orders", "deep"),
    "many terms": (f"SELECT sum({'+'.join(['amount'] * 400)}) FROM orders", "deep"),
    "many tables": (
        "SELECT count(*) FROM orders" + "".join(f" JOIN orders AS o{n} ON orders.who = o{n}.who" for n in range(40)), "tables"
    ),
    "tables in tables": (
        "WITH " + ", ".join(
            ["a0 AS (SELECT x.who FROM orders AS x JOIN orders AS y ON x.who = y.who)"]
            + [f"a{n} AS (SELECT x.who FROM a{n - 1} AS x JOIN a{n - 1} AS y ON x.who = y.who)" for n in range(1, 12)]
        ) + " SELECT count(*) FROM a11", "tables",
    ),
    "far too long": (f"SELECT count(*) FROM orders WHERE email = '{'a' * 10_000}'", "longer"),
    "empty": ("", "no statement"),
    "a star of a table within": ("SELECT count(o.*) FROM orders AS o", "o.*"),
    "an open quote": ("SELECT count(*) FROM orders WHERE email = 'a", "cannot be read"),
}  # fmt: skip


def every() -> list[tuple[str, str]]:
    """All of them, with what a refusal must name."""
    rows = [line.partition("→")[::2] for line in BYPASSES.strip().splitlines() if not line.startswith("##")]
    return [(text.strip(), named.strip()) for text, named in rows] + list(SPELLINGS.values())
