"""What the SQL gate takes over and what it refuses, as text: one line each, parted by `→`."""

# ruff: noqa: E501 (a line for each statement)

from __future__ import annotations

from fractions import Fraction

from usufruct.core.privacy.question import (
    Call,
    Expression,
    Filter,
    Join,
    Question,
    Ref,
    Relation,
    Scan,
    Select,
    Totals,
    Value,
    Window,
)


def lines(text: str) -> list[tuple[str, ...]]:
    """The rows of a corpus; empty lines and remarks (`##`, for SQL may begin with `#`) are for the eye only."""
    found = [tuple(cell.strip() for cell in line.split("→")) for line in text.strip().splitlines()]
    return [row for row in found if row[0] and not row[0].startswith("##")]


def value(of: Expression | Window | None) -> str:
    match of:
        case None:
            return ""
        case Ref():
            return f"{of.of}.{of.name}" if of.of else of.name
        case Value():
            return (
                "null"
                if of.value is None
                else str(of.value if not isinstance(of.value, Fraction) else number(of.value))
            )
        case Window():
            over = ", ".join(
                [*map(value, of.partition), *(f"{value(by)}{' desc' if down else ''}" for by, down in of.order)]
            )
            return f"{of.function}({value(of.argument)}{f', {of.offset}' if of.offset != 1 else ''}) over {over}"
        case Call("and" | "or" as name, parts):
            return f"({f' {name} '.join(map(value, parts))})"
        case Call("not", (inner,)):
            return f"not {value(inner)}"
        case Call("is null", (inner,)):
            return f"{value(inner)} is null"
        case Call("in", (inner, *among)):
            return f"{value(inner)} in {', '.join(map(value, among))}"
        case Call(name, (left, right)) if not name.isalpha():
            return f"{value(left)} {name} {value(right)}"
        case Call(name, parts):
            return f"{name}({', '.join(map(value, parts))})"


def number(of: Fraction) -> str:
    """As it would be written, without zeros that say nothing."""
    return str(of.numerator) if of.denominator == 1 else f"{float(of)}"


def table(of: Relation) -> str:
    match of:
        case Scan():
            return of.asset if of.alias == of.asset else f"{of.asset} {of.alias}"
        case Filter():
            return f"{table(of.source)} where {value(of.condition)}"
        case Select():
            columns = ", ".join(f"{value(c.made)} as {c.name}" if c.made else f"{c.name}*" for c in of.columns)
            return f"(select {columns} from {table(of.source)}){f' {of.alias}' if of.alias else ''}"
        case Totals():
            keys = ", ".join(f"{value(key.made)} as {key.name}" for key in of.keys)
            totals = ", ".join(f"{t.function}({value(t.argument)}) as {t.name}" for t in of.totals)
            return f"(totals {totals} by {keys} from {table(of.source)})"
        case Join():
            on = " and ".join(f"{value(a)} = {value(b)}" for a, b in of.on)
            return f"{table(of.left)} {'left ' if of.keep_left else ''}join {table(of.right)} on {on}"


def shown(question: Question) -> str:
    """A question in words that leave nothing out."""
    if question.form == "rows":
        assert not (question.keys or question.measures)
        words = f"rows {', '.join(question.columns) or 'all'} as {', '.join(question.labels)}"
    else:
        assert not question.columns
        measures = [
            f"{m.function}{f' {number(m.at)}' if m.at else ''}{f'({value(m.argument)})' if m.argument else ''} as {m.label}"
            for m in question.measures
        ]
        keys = [value(k.made) if k.label == value(k.made) else f"{value(k.made)} as {k.label}" for k in question.keys]
        words = ", ".join(measures) + (f" by {', '.join(keys)}" if keys else "")
    words += f" from {table(question.relation)}"
    if question.having:
        words += f" having {value(question.having)}"
    if question.order:
        words += f" order {', '.join(o.label + (' desc' if o.descending else '') for o in question.order)}"
    words += f" limit {question.limit}" if question.limit is not None else ""
    return words + (f" offset {question.offset}" if question.offset else "")


ALLOWED = """
SELECT COUNT(*) FROM pay                                        → count as count from pay
select count(*) from PAY;                                       → count as count from pay
SELECT COUNT() FROM pay;;                                       → count as count from pay
FROM pay SELECT COUNT(*)                                        → count as count from pay
SELECT COUNT(*) FROM "pay-2026"                                 → count as count from pay-2026
SELECT COUNT(*) FROM 'pay'                                      → count as count from pay
SELECT COUNT(pay) FROM pay                                      → count(pay) as count_pay from pay
SELECT COUNT(DISTINCT nr) FROM pay                              → persons(nr) as persons from pay
SELECT SUM(hours), AVG("Net Pay") FROM pay → sum(hours) as sum_hours, average(net pay) as average_net pay from pay
SELECT AVG(pay) AS p, COUNT(*) n FROM pay                       → average(pay) as p, count as n from pay
SELECT n: COUNT(*) FROM pay                                     → count as n from pay
SELECT AVG(p.pay) FROM pay AS p → average(p.pay) as average_pay from pay p
SELECT AVG(pay.pay) FROM pay → average(pay.pay) as average_pay from pay
## groups
SELECT year, COUNT(*) FROM pay GROUP BY year                    → count as count by year from pay
SELECT COUNT(*) FROM pay GROUP BY year                          → count as count by year from pay
SELECT year AS y, COUNT(*) FROM pay GROUP BY 1                  → count as count by year as y from pay
SELECT COUNT(*), member, year FROM pay GROUP BY year, 2         → count as count by member, year from pay
SELECT year, COUNT(*) FROM pay GROUP BY year, year              → count as count by year from pay
## conditions
SELECT COUNT(*) FROM pay WHERE year = 2021                      → count as count from pay where year = 2021
SELECT COUNT(*) FROM pay WHERE 2021 < year → count as count from pay where 2021 < year
SELECT COUNT(*) FROM pay WHERE 2021 >= year → count as count from pay where 2021 >= year
SELECT COUNT(*) FROM pay WHERE year <> -5                       → count as count from pay where year <> -5
SELECT COUNT(*) FROM pay WHERE year != 5                        → count as count from pay where year <> 5
SELECT COUNT(*) FROM pay WHERE year == +5                       → count as count from pay where year = 5
SELECT COUNT(*) FROM pay WHERE pay < 12.50 → count as count from pay where pay < 12.5
SELECT COUNT(*) FROM pay WHERE pay < .5 AND pay > 1_000         → count as count from pay where (pay < 0.5 and pay > 1000)
SELECT COUNT(*) FROM pay WHERE note = 'it''s; DROP TABLE pay'   → count as count from pay where note = it's; DROP TABLE pay
SELECT COUNT(*) FROM pay WHERE note = '-- no remark'            → count as count from pay where note = -- no remark
SELECT COUNT(*) FROM pay WHERE member → count as count from pay where member
SELECT COUNT(*) FROM pay WHERE member = false                   → count as count from pay where member = False
SELECT COUNT(*) FROM pay WHERE NOT member → count as count from pay where not member
SELECT COUNT(*) FROM pay WHERE ((year) = (2021))                → count as count from pay where year = 2021
SELECT COUNT(*) FROM pay WHERE a = 1 AND b = 2 OR NOT c = 3     → count as count from pay where ((a = 1 and b = 2) or not c = 3)
SELECT COUNT(*) FROM pay WHERE a = 1 AND (b = 2 OR c = 3)       → count as count from pay where (a = 1 and (b = 2 or c = 3))
SELECT COUNT(*) FROM pay WHERE year IN (1, 2)                   → count as count from pay where year in 1, 2
SELECT COUNT(*) FROM pay WHERE year NOT IN ('a', 'b')           → count as count from pay where not year in a, b
SELECT COUNT(*) FROM pay WHERE year BETWEEN 1 AND 2             → count as count from pay where (year >= 1 and year <= 2)
SELECT COUNT(*) FROM pay WHERE year NOT BETWEEN 1 AND 2         → count as count from pay where not (year >= 1 and year <= 2)
SELECT COUNT(*) FROM pay WHERE pay IS NULL                      → count as count from pay where pay is null
SELECT COUNT(*) FROM pay WHERE pay IS NOT NULL                  → count as count from pay where not pay is null
## IS is never unknown, so its opposite holds for nulls, unlike that of `=`
SELECT COUNT(*) FROM pay WHERE member IS TRUE → count as count from pay where (member = True and not member is null)
SELECT COUNT(*) FROM pay WHERE member IS NOT FALSE → count as count from pay where not (member = False and not member is null)
## order and limit
SELECT year, COUNT(*) n FROM pay GROUP BY 1 ORDER BY n DESC, year LIMIT 3 → count as n by year from pay order n desc, year limit 3
SELECT year, COUNT(*) FROM pay GROUP BY 1 ORDER BY 2, 1 DESC    → count as count by year from pay order count, year desc
SELECT COUNT(*) AS "2", SUM(x) AS "1" FROM pay ORDER BY "1"     → count as 2, sum(x) as 1 from pay order 1
SELECT COUNT(*) FROM pay ORDER BY count NULLS LAST LIMIT 0      → count as count from pay order count limit 0
## rows are understood, so that their refusal can say why
SELECT * FROM pay                                               → rows all as * from pay
FROM pay                                                        → rows all as * from pay
TABLE pay                                                       → rows all as * from pay
SELECT year, a AS b FROM pay WHERE c ORDER BY d LIMIT 5 → rows year, a as year, b from pay where c order d limit 5
SELECT pay FROM pay                                             → rows pay as pay from pay
SELECT pay.* FROM pay                                           → rows all as * from pay
## remarks say nothing
SELECT /* year, */ COUNT(*) FROM pay -- WHERE year = 1          → count as count from pay
SELECT COUNT(*) FROM pay -- ; SELECT 1                          → count as count from pay
SELECT COUNT(*) FROM pay; -- done                               → count as count from pay
SELECT COUNT(*) /* /* nested */ */ FROM pay                     → count as count from pay
## what the columns of the asset decide later
SELECT AVG(q.pay) FROM pay AS p → average(q.pay) as average_pay from pay p
SELECT AVG(pay.pay) FROM pay AS p → average(pay.pay) as average_pay from pay p
SELECT COUNT(*) FROM pay JOIN other USING (nr) → count as count from pay join other on nr = other.nr
SELECT COUNT(*) FROM (SELECT * FROM pay) → count as count from (select * from pay)
WITH x AS (SELECT * FROM pay) SELECT COUNT(*) FROM x → count as count from (select * from pay) x
SELECT year, COUNT(*) FROM pay GROUP BY year HAVING COUNT(*) > 5 → count as count by year from pay having count > 5
SELECT COUNT(*) FROM pay LIMIT 5 OFFSET 2 → count as count from pay limit 5 offset 2
SELECT COUNT(*) FROM pay OFFSET 2 → count as count from pay offset 2
SELECT COUNT(*) FROM pay LIMIT 5, 2 → count as count from pay limit 2 offset 5
SELECT MEDIAN(pay) FROM pay → quantile 0.5(pay) as median_pay from pay
SELECT STDDEV(pay) FROM pay → deviation(pay) as deviation_pay from pay
SELECT quantile_cont(pay, 0.5) FROM pay → quantile 0.5(pay) as median_pay from pay
SELECT COUNT(*) FILTER (WHERE year = 1) FROM pay → count(case(year = 1, 1, null)) as count from pay
SELECT AVG(pay + 1) FROM pay → average(pay + 1) as average from pay
SELECT AVG(CASE WHEN year = 1 THEN pay END) FROM pay → average(case(year = 1, pay, null)) as average from pay
SELECT COUNT(*) FROM pay GROUP BY year + 1 → count as count by year + 1 as _key0 from pay
SELECT COUNT(*) FROM pay GROUP BY 'year' → count as count by year as _key0 from pay
SELECT COUNT(*) FROM pay WHERE true → count as count from pay where True
SELECT COUNT(*) FROM pay WHERE 1 = 1 → count as count from pay where 1 = 1
SELECT COUNT(*) FROM pay WHERE 'a' < 'b' → count as count from pay where a < b
SELECT COUNT(*) FROM pay WHERE year = hours → count as count from pay where year = hours
SELECT COUNT(*) FROM pay WHERE year + 1 = 5 → count as count from pay where year + 1 = 5
SELECT COUNT(*) FROM pay WHERE 1 < year < 5 → count as count from pay where 1 < year < 5
SELECT COUNT(*) FROM pay WHERE year = NULL → count as count from pay where year = null
SELECT COUNT(*) FROM pay WHERE year IN (1, NULL) → count as count from pay where year in 1, null
SELECT COUNT(*) FROM pay WHERE pay = nan → count as count from pay where pay = nan
SELECT COUNT(*) FROM pay WHERE pay = infinity → count as count from pay where pay = infinity
SELECT COUNT(*) FROM pay WHERE pay = -(-5) → count as count from pay where pay = 5
SELECT COUNT(*) FROM pay WHERE pay = -'5' → count as count from pay where pay = neg(5)
SELECT COUNT(*) FROM pay WHERE year BETWEEN hours AND 5 → count as count from pay where (year >= hours and year <= 5)
## joins, steps below the answer, windows, totals of one person
SELECT COUNT(*) FROM a JOIN b ON a.nr = b.nr → count as count from a join b on a.nr = b.nr
SELECT COUNT(*) FROM a LEFT JOIN b ON a.nr = b.nr AND a.year = b.year WHERE b.x IS NULL → count as count from a left join b on a.nr = b.nr and a.year = b.year where b.x is null
WITH p AS (SELECT nr, SUM(x) AS s FROM a GROUP BY nr HAVING SUM(x) > 3) SELECT AVG(s) AS m FROM p → average(s) as m from (select nr as nr, _total0 as s from (totals sum(x) as _total0 by nr as nr from a) where _total0 > 3) p
WITH p AS (SELECT * FROM a WHERE y = 1), q AS (SELECT nr, x FROM p) SELECT SUM(x) AS s FROM q → sum(x) as s from (select nr as nr, x as x from (select * from a where y = 1) p) q
SELECT AVG(d) AS d FROM (SELECT x - lag(x) OVER (PARTITION BY nr ORDER BY year) AS d FROM a) AS t → average(d) as d from (select x - _window0_97 as d from (select *, lag(x) over nr, year as _window0_97 from a)) t
SELECT COUNT(*) FROM (SELECT nr, row_number() OVER (PARTITION BY nr ORDER BY x DESC) AS place FROM a QUALIFY place = 1) → count as count from (select nr as nr, _window0_119 as place from (select *, row_number() over nr, x desc as _window0_119, row_number() over nr, x desc as _window1_119 from a) where _window1_119 = 1)
SELECT FLOOR(x / 10) AS b, COUNT(*) AS n FROM a GROUP BY b HAVING n BETWEEN 5 AND 9 ORDER BY n DESC LIMIT 3 OFFSET 1 → count as n by floor(x, 10) as b from a having (n >= 5 and n <= 9) order n desc limit 3 offset 1
SELECT SUM(x) FILTER (WHERE y = 2) AS s, COUNT_IF(y > 3) AS c, VARIANCE(x) AS v, QUANTILE_CONT(x, 0.9) FROM a → sum(case(y = 2, x, null)) as s, count(case(y > 3, 1, null)) as c, variance(x) as v, quantile 0.9(x) as quantile_90_x from a
SELECT SUBSTR(day, 1, 7) AS month, COUNT(*) AS n FROM a GROUP BY 1 → count as n by substr(day, 1, 7) as month from a
"""

REFUSED = """
## one question at a time
SELECT COUNT(*) FROM pay; SELECT COUNT(*) FROM pay    → query.statements → 2 statements
SELECT COUNT(*) FROM pay; DROP TABLE pay              → query.statements → 2 statements
;                                                     → query.statements → no statement
-- nothing                                            → query.statements → no statement
/* SELECT COUNT(*) FROM pay */                        → query.statements → no statement
## statements that are no question
INSERT INTO pay VALUES (1)                            → query.statements → `INSERT`
UPDATE pay SET pay = 1                                → query.statements → `UPDATE`
DELETE FROM pay                                       → query.statements → `DELETE`
CREATE TABLE x AS SELECT * FROM pay                   → query.statements → `CREATE`
DROP TABLE pay                                        → query.statements → `DROP`
COPY pay TO 'x.csv'                                   → query.statements → `COPY`
ATTACH ':memory:' AS x                                → query.statements → `ATTACH`
SET threads = 1                                       → query.statements → `SET`
PRAGMA version                                        → query.statements → `PRAGMA`
PREPARE q AS SELECT * FROM pay                        → query.statements → `PREPARE`
EXECUTE q                                             → query.statements → `EXECUTE`
CALL pragma_version()                                 → query.statements → `CALL`
USE pay                                               → query.statements → `USE`
EXPLAIN SELECT COUNT(*) FROM pay                      → query.statements → `EXPLAIN`
EXPLAIN ANALYZE SELECT COUNT(*) FROM pay              → query.statements → `EXPLAIN`
DESCRIBE pay                                          → query.statements → `DESCRIBE`
SUMMARIZE pay                                         → query.statements → `SUMMARIZE`
SHOW TABLES                                           → query.statements → `SHOW`
SHOW ALL                                              → query.malformed → cannot be read
VALUES (1)                                            → query.statements → `VALUES`
INSTALL httpfs                                        → query.statements → `INSTALL`
LOAD httpfs                                           → query.statements → `LOAD`
CHECKPOINT                                            → query.statements → `CHECKPOINT`
(SELECT COUNT(*) FROM pay)                            → query.statements → `(SELECT`
## columns without naming them
SELECT COLUMNS(*) FROM pay                            → query.unsupported → COLUMNS(*)
SELECT COLUMNS('p.*') FROM pay                        → query.unsupported → COLUMNS
SELECT MAX(COLUMNS(*)) FROM pay → query.unsupported → COLUMNS(*)
SELECT COUNT(COLUMNS(*)) FROM pay                     → query.unsupported → COLUMNS
SELECT COALESCE(*COLUMNS('p.*')) FROM pay → query.unsupported → *COLUMNS('p.*')
SELECT * LIKE 'p%' FROM pay                           → query.unsupported → LIKE
SELECT * EXCLUDE (pay) FROM pay                       → query.unsupported → EXCLUDE
SELECT * REPLACE (pay + 1 AS pay) FROM pay            → query.unsupported → REPLACE
SELECT * RENAME (pay AS p) FROM pay                   → query.unsupported → RENAME
SELECT COUNT(* EXCLUDE (pay)) FROM pay                → query.unsupported → EXCLUDE
SELECT COUNT(pay.*) FROM pay                          → query.unsupported → pay.*
SELECT #1 FROM pay                                    → query.unsupported → #1
SELECT COUNT(*) FROM pay GROUP BY #1                  → query.unsupported → #1
SELECT COUNT(*) FROM pay AS p(year, pay)              → query.unsupported → p(year, pay)
SELECT COUNT(*) FROM pay ORDER BY other.count         → query.unsupported → other.count
SELECT AVG(main.pay.pay) FROM pay                     → query.unsupported → main.pay.pay
SELECT COUNT(a.b.c.d) FROM pay                        → query.unsupported → a.b.c.d
## whole rows
SELECT to_json(pay) FROM pay                          → query.unsupported → TO_JSON(pay)
SELECT hash(pay) FROM pay                             → query.unsupported → HASH(pay)
SELECT list(pay) FROM pay                             → query.unsupported → pay
SELECT struct_pack(pay) FROM pay                      → query.unsupported → pay
SELECT pay::VARCHAR FROM pay                          → query.unsupported → CAST
SELECT {'a': pay} FROM pay                            → query.unsupported → pay
## SQL inside a string, tables that are functions or files
SELECT * FROM query('SELECT pay FROM pay')            → query.unsupported → QUERY
SELECT * FROM query_table('pay')                      → query.unsupported → QUERY_TABLE
SELECT * FROM read_csv('x.csv')                       → query.unsupported → x.csv
SELECT * FROM duckdb_settings()                       → query.unsupported → DUCKDB_SETTINGS
SELECT * FROM range(5)                                → query.unsupported → RANGE
SELECT * FROM (SUMMARIZE pay) → query.unsupported → SUMMARIZE pay
SELECT * FROM (DESCRIBE pay) AS x → query.unsupported → DESCRIBE pay
SELECT * FROM (SUMMARIZE pay) AS x → query.unsupported → SUMMARIZE pay
SELECT COUNT(*) FROM (DESCRIBE SELECT * FROM pay) x → query.unsupported → DESCRIBE SELECT * FROM pay
SELECT * FROM (SHOW TABLES) → query.unsupported → rows of more than one plain table
SELECT COUNT(*) FROM (VALUES (1)) AS t(a)             → query.unsupported → VALUES
SELECT COUNT(*) FROM VALUES (1)                       → query.unsupported → VALUES
## more than one table, or another than by its name alone
SELECT COUNT(*)                                       → query.unsupported → about nothing
SELECT 1                                              → query.unsupported → about nothing
SELECT COUNT(*) FROM main.pay                         → query.unsupported → main.pay
SELECT COUNT(*) FROM memory.main.pay                  → query.unsupported → memory.main.pay
SELECT COUNT(*) FROM pay, other → query.unsupported → a join on nothing
SELECT COUNT(*) FROM pay POSITIONAL JOIN other        → query.unsupported → JOIN
SELECT COUNT(*) FROM pay, LATERAL (SELECT 1) → query.unsupported → LATERAL (SELECT 1)
SELECT COUNT(*) FROM pay, UNNEST([1, 2]) → query.unsupported → UNNEST([1, 2])
SELECT COUNT(*) FROM (pay)                            → query.unsupported → a subquery
SELECT COUNT(*) FROM ONLY pay                         → query.unsupported → ONLY pay
SELECT COUNT(*) FROM pay@snapshot                     → query.unsupported → a parameter
SELECT COUNT(*) FROM pay TABLESAMPLE 10%              → query.unsupported → SAMPLE
SELECT COUNT(*) FROM pay USING SAMPLE 10              → query.unsupported → SAMPLE
SELECT COUNT(*) FROM pay PIVOT (COUNT(*) FOR year IN (1)) → query.unsupported → PIVOT
SELECT COUNT(*) FROM pay UNION ALL SELECT 1           → query.unsupported → UNION
SELECT COUNT(*) FROM pay EXCEPT SELECT 1              → query.unsupported → EXCEPT
SELECT COUNT(*) FROM pay INTERSECT SELECT 1           → query.unsupported → INTERSECT
FROM pay |> SELECT pay → query.unsupported → rows of more than one plain table
FROM pay |> AGGREGATE COUNT(*) → query.unsupported → rows of more than one plain table
WITH pay AS (SELECT 1) SELECT COUNT(*) FROM pay → query.unsupported → a question about nothing
WITH x AS (INSERT INTO pay VALUES (1) RETURNING *) SELECT * FROM x → query.unsupported → INSERT INTO pay VALUES (1) RETURNING *
WITH RECURSIVE x AS (SELECT 1) SELECT COUNT(*) FROM x → query.unsupported → WITH
SELECT COUNT(*) FROM pay WHERE pay > (SELECT AVG(pay) FROM pay) → query.unsupported → a subquery
SELECT COUNT(*) FROM pay WHERE nr IN (SELECT nr FROM other) → query.unsupported → a subquery
SELECT COUNT(*) FROM pay WHERE EXISTS (SELECT 1)      → query.unsupported → EXISTS
SELECT (SELECT pay FROM pay), COUNT(*) FROM pay       → query.unsupported → a subquery
## what a Select can carry besides
SELECT DISTINCT year FROM pay                         → query.unsupported → SELECT DISTINCT
SELECT DISTINCT ON (year) pay FROM pay                → query.unsupported → SELECT DISTINCT
SELECT AS STRUCT COUNT(*) FROM pay                    → query.unsupported → STRUCT
SELECT COUNT(*) INTO x FROM pay                       → query.unsupported → INTO x
SELECT COUNT(*) FROM pay QUALIFY row_number() OVER () = 1 → query.unsupported → QUALIFY
SELECT COUNT(*) FROM pay WINDOW w AS (PARTITION BY year) → query.unsupported → window
SELECT COUNT(*) FROM pay LIMIT 5%                     → query.unsupported → LIMIT
SELECT COUNT(*) FROM pay LIMIT 5 PERCENT              → query.unsupported → LIMIT
SELECT COUNT(*) FROM pay LIMIT 5 WITH TIES            → query.unsupported → LIMIT
SELECT COUNT(*) FROM pay LIMIT 5 BY year              → query.unsupported → LIMIT
SELECT COUNT(*) FROM pay LIMIT 2 + 3 → query.unsupported → this LIMIT
SELECT COUNT(*) FROM pay LIMIT -1                     → query.unsupported → LIMIT
SELECT COUNT(*) FROM pay LIMIT 1.5                    → query.unsupported → LIMIT
SELECT COUNT(*) FROM pay LIMIT '5'                    → query.unsupported → LIMIT
SELECT COUNT(*) FROM pay LIMIT 9999999999             → query.unsupported → LIMIT
SELECT COUNT(*) FROM pay LIMIT ALL                    → query.unsupported → ALL
SELECT COUNT(*) FROM pay LIMIT (SELECT 1) → query.unsupported → this LIMIT
SELECT pay FROM pay LIMIT 5%                          → query.unsupported → LIMIT
SELECT COUNT(*) FROM pay FETCH FIRST 5 ROWS ONLY      → query.unsupported → FETCH
SELECT COUNT(*) FROM pay FOR UPDATE                   → query.unsupported → LOCK
## measures
SELECT MIN(pay) FROM pay                              → query.unsupported → MIN
SELECT MAX(pay) FROM pay                              → query.unsupported → MAX
SELECT any_value(pay) FROM pay                        → query.unsupported → pay
SELECT AVG(pay) OVER (PARTITION BY year) FROM pay     → query.unsupported → window
SELECT AVG(DISTINCT pay) FROM pay                     → query.unsupported → DISTINCT pay
SELECT COUNT(DISTINCT nr, year) FROM pay              → query.unsupported → DISTINCT
SELECT COUNT(DISTINCT (nr, year)) FROM pay            → query.unsupported → nr, year
SELECT COUNT(pay ORDER BY year) FROM pay              → query.unsupported → ORDER BY
SELECT AVG(AVG(pay)) FROM pay                         → query.unsupported → AVG(pay)
SELECT AVG(pay) * 2 FROM pay → query.unsupported → arithmetic with totals
SELECT AVG(pay), 5 FROM pay                           → query.unsupported → `5`
SELECT AVG(pay), year FROM pay                        → query.unsupported → `year` outside GROUP BY
SELECT AVG(pay), * FROM pay → query.unsupported → * beside totals
SELECT year FROM pay GROUP BY year                    → query.unsupported → without a total
SELECT AVG(pay) AS a, SUM(pay) AS a FROM pay          → query.unsupported → two columns of one name
SELECT AVG(pay) AS a, SUM(pay) AS A FROM pay          → query.unsupported → two columns of one name
SELECT AVG(pay) AS a, COUNT(*) AS a_margin FROM pay   → query.unsupported → two columns of one name
SELECT year AS a, year AS b, COUNT(*) FROM pay GROUP BY year → query.unsupported → `year` twice
SELECT COUNT(*) AS (a, b) FROM pay                    → query.unsupported → COUNT(*)
## groups and order
SELECT COUNT(*) FROM pay GROUP BY ALL                 → query.unsupported → GROUP BY ALL
SELECT year, COUNT(*) FROM pay GROUP BY ROLLUP (year) → query.unsupported → ROLLUP
SELECT year, COUNT(*) FROM pay GROUP BY CUBE (year)   → query.unsupported → CUBE
SELECT year, COUNT(*) FROM pay GROUP BY GROUPING SETS ((year), ()) → query.unsupported → GROUPING SETS
SELECT year, COUNT(*) FROM pay GROUP BY 3             → query.unsupported → GROUP BY 3
SELECT year, COUNT(*) FROM pay GROUP BY 2             → query.unsupported → COUNT(*)
SELECT COUNT(*) FROM pay ORDER BY pay                 → query.unsupported → ORDER BY
SELECT COUNT(*) FROM pay ORDER BY 2                   → query.unsupported → ORDER BY
SELECT COUNT(*) FROM pay ORDER BY '1'                 → query.unsupported → ORDER BY
SELECT COUNT(*) FROM pay ORDER BY 'count'             → query.unsupported → ORDER BY
SELECT COUNT(*) FROM pay ORDER BY "²"                 → query.unsupported → ORDER BY
SELECT COUNT(*) FROM pay ORDER BY ALL                 → query.unsupported → ALL
SELECT COUNT(*) FROM pay ORDER BY count + 1           → query.unsupported → count + 1
SELECT COUNT(*) FROM pay ORDER BY count NULLS FIRST   → query.unsupported → NULLS FIRST
SELECT COUNT(*) FROM pay ORDER BY count COLLATE NOCASE → query.unsupported → COLLATE
SELECT COUNT(*) FROM pay ORDER BY 1 WITH FILL         → query.unsupported → WITH FILL
SELECT COUNT(*) FROM pay ORDER BY row_number() OVER () → query.unsupported → window
## conditions
SELECT COUNT(*) FROM pay WHERE year IN () → query.unsupported → IN with a subquery
SELECT COUNT(*) FROM pay WHERE (year, pay) IN ((1, 2)) → query.unsupported → (year, pay)
SELECT COUNT(*) FROM pay WHERE year = ANY ([1, 2])    → query.unsupported → ANY
SELECT COUNT(*) FROM pay WHERE year = $1              → query.unsupported → a parameter
SELECT COUNT(*) FROM pay WHERE year = ?               → query.unsupported → a parameter
SELECT COUNT(*) FROM pay WHERE year = :y              → query.unsupported → a parameter
SELECT COUNT(*) FROM pay WHERE note LIKE 'a%'         → query.unsupported → LIKE
SELECT COUNT(*) FROM pay WHERE note ~ 'a.*'           → query.unsupported → REGEXP
SELECT COUNT(*) FROM pay WHERE note SIMILAR TO 'a'    → query.unsupported → SIMILAR
SELECT COUNT(*) FROM pay WHERE lower(note) = 'a'      → query.unsupported → LOWER(note)
SELECT COUNT(*) FROM pay WHERE note || 'a' = 'b'      → query.unsupported → note
SELECT COUNT(*) FROM pay WHERE note[1] = 'b'          → query.unsupported → note[1]
SELECT COUNT(*) FROM pay WHERE year::TEXT = '1'       → query.unsupported → CAST
SELECT COUNT(*) FROM pay WHERE year = DATE '2021-01-01' → query.unsupported → CAST
SELECT COUNT(*) FROM pay WHERE year = 'nan'::DOUBLE   → query.unsupported → CAST
SELECT COUNT(*) FROM pay WHERE pay = 1e5              → query.unsupported → 1e5
SELECT COUNT(*) FROM pay WHERE pay = 1234567890123456789012345678901 → query.unsupported → 1234567890123456789012345678901
SELECT COUNT(*) FROM pay WHERE note = 'a' 'b'         → query.unsupported → 'b'
SELECT COUNT(*) FROM pay WHERE note = E'a\\nb'        → query.unsupported → e'a
SELECT COUNT(*) FROM pay WHERE note = $$a$$           → query.unsupported → 'a'
SELECT COUNT(*) FROM pay WHERE note IS DISTINCT FROM 'a' → query.unsupported → IS DISTINCT FROM
SELECT COUNT(*) FROM pay WHERE year BETWEEN SYMMETRIC 5 AND 1 → query.unsupported → BETWEEN
SELECT COUNT(*) FROM pay WHERE year IS 5              → query.unsupported → IS 5
SELECT COUNT(*) FROM pay WHERE a = 1 XOR b = 2        → query.malformed → line 1
SELECT COUNT(*) FROM pay WHERE random() < 0.5         → query.unsupported → RANDOM()
SELECT COUNT(*) FROM pay WHERE getvariable('x') = year → query.unsupported → GETVARIABLE
## not SQL
SELEC COUNT(*) FROM pay                               → query.malformed → line 1
how much do people earn?                              → query.malformed → line 1
SELECT COUNT(* FROM pay                               → query.malformed → line 1
SELECT COUNT(*) FROM pay WHERE note = 'open           → query.malformed → cannot be read
SELECT COUNT(*) FROM                                  → query.malformed → line 1
SELECT COUNT(*) FROM pay /* open                      → query.malformed → cannot be read
SELECT COUNT(*) FROM pay WHERE year =                 → query.malformed → line 1
SELECT COUNT(*) FROM pay WHERE year = 0x1F            → query.malformed → line 1
"""
