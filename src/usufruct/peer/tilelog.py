"""Somebody's public log, read over HTTP (c2sp.org/tlog-tiles)."""

from __future__ import annotations

import time
from types import TracebackType

import httpx

SECONDS = 30
"""How long one file may take."""

_PATIENCE = 3  # requests in a row without an answer, after which nothing more is asked


class HttpLog:
    """The log at a prefix, over one connection that is kept. `read` is for `monitor.check`."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        self._prefix, self._seconds = url.rstrip("/"), seconds
        self._unanswered = 0
        self._client = httpx.Client(timeout=seconds, headers={"Accept-Encoding": "gzip, identity"})

    def __enter__(self) -> HttpLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def read(self, path: str, limit: int) -> bytes | None:
        """The file at a path below the prefix, or somewhat more than `limit` bytes of a longer one; None if there is none.

        Raises:
            OSError: no answer, not in time, or one that is no file.
        """
        if self._unanswered >= _PATIENCE:
            raise ConnectionError("the server does not answer any more")
        try:
            found = self._ask(f"{self._prefix}/{path}", limit)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            self._unanswered += 1
            raise ConnectionError(str(error) or type(error).__name__) from None
        self._unanswered = 0
        return found

    def _ask(self, url: str, limit: int) -> bytes | None:
        deadline = time.monotonic() + self._seconds
        with self._client.stream("GET", url) as response:
            if response.status_code in (404, 410):
                return None
            if response.status_code != 200:
                raise OSError(f"the server answers with status {response.status_code}")
            found = bytearray()
            for piece in response.iter_bytes():
                found += piece
                if len(found) > limit:
                    break
                if time.monotonic() > deadline:
                    raise TimeoutError(f"it took longer than {self._seconds:g} seconds")
            return bytes(found)
