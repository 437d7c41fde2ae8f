"""`source.Source` in a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from usufruct.core.base.faults import BadInput
from usufruct.store.pg import PgConnection, address_of, begin_reading, flaws, is_created


class PgSource:
    """A journal at the address in a setting, as it was when it was first asked for something."""

    unreadable = (psycopg.Error, UnicodeError)

    def __init__(self, setting: str) -> None:
        self.connection = PgConnection(address_of(setting))
        if not is_created(self.connection):
            self.close()
            raise BadInput("input.store", "the database holds no journal", "look at the store's address in `node.toml`")
        begin_reading(self.connection)

    def select(self, query: str, *values: Any) -> Iterator[Any]:
        """Rows, one after another."""
        return iter(self.connection.execute(query, values)) if values else self.connection.stream(query)

    def flaws(self) -> Iterator[tuple[str, bool]]:
        """Triggers that are not as they were made, and what could get round them."""
        for what in flaws(self.connection):
            yield what, False

    def inconsistencies(self) -> Iterator[str]:
        """None: looking at the files is for the server (`pg_amcheck`)."""
        return iter(())

    def close(self) -> None:
        """Ends the session."""
        self.connection.close()
