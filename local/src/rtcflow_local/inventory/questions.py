"""The inventory's predefined questions, as SQL on `products`, `outcomes` and `archive`."""

from typing import NamedTuple

import duckdb
import pyarrow as pa

from rtcflow_contract.errors import RefusedError


class Question(NamedTuple):
    """A question with its SQL; `needs` names an input that it requires."""

    name: str
    help: str
    sql: str
    needs: str = ""


# Whether a product has static layers on its grid, in any collection.
HAS_STATIC = """EXISTS (
    SELECT 1 FROM products AS layers
    WHERE layers.product = 'RTC_S1_STATIC' AND layers.burst_id = products.burst_id
      AND layers.resolution = products.resolution AND layers.crs = products.crs
)"""
# A burst without any product belongs to no collection; products of other collections do not count.
MISSING_DATES = """
    SELECT archive.burst_id, archive.date, collections.collection, any_value(archive.scene) AS scene FROM archive
    LEFT JOIN (SELECT DISTINCT burst_id, collection FROM products WHERE product = 'RTC_S1') AS collections
      ON collections.burst_id = archive.burst_id
    WHERE NOT EXISTS (
        SELECT 1 FROM products AS made
        WHERE made.product = 'RTC_S1' AND made.burst_id = archive.burst_id AND made.date = archive.date
          AND made.collection = collections.collection
    )
    GROUP BY archive.burst_id, archive.date, collections.collection
"""
MISSING_IN_COLLECTION = """
    SELECT archive.burst_id, archive.date, $1 AS collection, any_value(archive.scene) AS scene FROM archive
    WHERE NOT EXISTS (
        SELECT 1 FROM products AS made
        WHERE made.product = 'RTC_S1' AND made.burst_id = archive.burst_id AND made.date = archive.date
          AND made.collection = $1
    )
    GROUP BY archive.burst_id, archive.date ORDER BY any_value(archive.scene), archive.burst_id
"""

QUESTIONS: dict[str, Question] = {
    question.name: question
    for question in (
        Question(
            "summary",
            "Products by collection.",
            """
            SELECT collection, product, count(*) AS products, count(DISTINCT burst_id) AS bursts,
                   min(date) AS first, max(date) AS last, sum(bytes)::BIGINT AS bytes
            FROM products GROUP BY ALL ORDER BY collection, product
            """,
        ),
        Question(
            "missing-static",
            "Bursts with RTC_S1 and no static layers.",
            f"""
            SELECT burst_id, count(*) AS products, min(date) AS first, max(date) AS last
            FROM products WHERE product = 'RTC_S1' AND NOT {HAS_STATIC}
            GROUP BY burst_id ORDER BY burst_id
            """,
        ),
        Question(
            "missing-dates",
            "Dates of a burst that are in the archive but not in a collection that has the burst.",
            f"SELECT * FROM ({MISSING_DATES}) ORDER BY burst_id, date, collection",
            needs="archive",
        ),
        Question(
            "resorb",
            "Products made without a precise orbit.",
            """
            SELECT id, burst_id, date, orbit_type, created, scene, item FROM products
            WHERE product = 'RTC_S1' AND orbit_type <> 'POEORB' ORDER BY burst_id, date
            """,
        ),
        Question(
            "versions",
            "Products by version.",
            """
            SELECT collection, product, version, count(*) AS products, count(DISTINCT burst_id) AS bursts,
                   min(created) AS first_made, max(created) AS last_made
            FROM products GROUP BY ALL ORDER BY collection, product, version
            """,
        ),
        Question(
            "engines",
            "Products by engine.",
            """
            SELECT collection, product, coalesce(engine, 'unknown') AS engine, count(*) AS products,
                   round(avg(seconds), 1) AS mean_seconds
            FROM products GROUP BY ALL ORDER BY collection, product, engine
            """,
        ),
        Question(
            "failures",
            "Bursts whose last outcome is a failure, with the reason.",
            """
            WITH last AS (
                SELECT * FROM outcomes
                QUALIFY row_number() OVER (
                    PARTITION BY scene, collection, product, burst_id ORDER BY finished DESC
                ) = 1
            )
            SELECT error_class, reason, burst_id, product, scene, execution, finished, message FROM last
            WHERE outcome = 'failed' AND (burst_id IS NOT NULL OR NOT EXISTS (
                SELECT 1 FROM outcomes AS later
                WHERE later.scene = last.scene AND later.product = last.product
                  AND later.finished > last.finished AND later.outcome <> 'failed'
            ))
            ORDER BY error_class, reason, burst_id, scene
            """,
            needs="outcomes",
        ),
        Question(
            "reasons",
            "Failures by class and reason.",
            """
            SELECT coalesce(error_class, 'unknown') AS error_class, reason, count(*) AS outcomes,
                   count(DISTINCT burst_id) AS bursts, max(finished) AS last
            FROM outcomes WHERE outcome = 'failed' GROUP BY ALL ORDER BY outcomes DESC, error_class, reason
            """,
            needs="outcomes",
        ),
        Question(
            "volume",
            "Products and bytes by month of acquisition.",
            """
            SELECT strftime(date, '%Y-%m') AS month, collection, count(*) AS products, sum(bytes)::BIGINT AS bytes
            FROM products GROUP BY ALL ORDER BY month, collection
            """,
        ),
        Question(
            "bursts",
            "Every burst with its number of products.",
            """
            SELECT burst_id, count(*) FILTER (product = 'RTC_S1') AS products,
                   count(*) FILTER (product = 'RTC_S1_STATIC') AS static, min(date) AS first, max(date) AS last
            FROM products GROUP BY burst_id ORDER BY burst_id
            """,
        ),
    )
}


def answer(database: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """Run SQL on the inventory's tables.

    Raises
    ------
    RefusedError
        When DuckDB does not accept it, or it returns nothing.
    """
    try:
        found = database.sql(sql)
        if found is not None:
            return found.to_arrow_table()
    except duckdb.Error as error:
        raise RefusedError(f"the question was refused: {str(error).splitlines()[0]}", reason="sql") from error
    raise RefusedError("the question returns nothing; write it like SELECT * FROM products", reason="sql")
