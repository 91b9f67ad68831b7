"""How far a batch has come, on standard error."""

import sys
import time
from typing import Final

from tqdm import tqdm

_FORMAT: Final = "{percentage:3.0f}%|{bar}| {desc} [{elapsed}<{remaining}]"
_UNMEASURED: Final = "{desc} [{elapsed}]"
_ON_TERMINAL: Final = 0.5
_IN_A_LOG: Final = 10.0
"""Seconds between two states of the bar."""


class Progress:
    """A bar over the bytes of the input, with the articles and sentences done, their rate and the time left."""

    def __init__(self, size: int, done: int, articles: int) -> None:
        """Begin at ``done`` of ``size`` bytes, after ``articles`` of an earlier start; without a size no time left is told."""
        interval = _ON_TERMINAL if sys.stderr.isatty() else _IN_A_LOG
        form = _FORMAT if size else _UNMEASURED
        self._bar = tqdm(total=size or None, initial=done, mininterval=interval, bar_format=form, file=sys.stderr, delay=0.1)
        self._began = time.monotonic()
        self._before = self._articles = articles
        self._sentences = 0
        self._tell()

    def advance(self, read: int, articles: int, sentences: int) -> None:
        """Tell that ``read`` bytes in all are done, and some more articles and sentences."""
        self._articles += articles
        self._sentences += sentences
        self._tell()
        self._bar.update(read - self._bar.n)

    def close(self) -> float:
        """End the bar and give the seconds since its beginning."""
        self._bar.close()
        return self._seconds()

    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _tell(self) -> None:
        seconds = max(self._seconds(), 1e-9)
        rate, sentences = (self._articles - self._before) / seconds, self._sentences / seconds
        told = f"{self._articles:,} articles, {rate:,.1f} articles/s, {sentences:,.0f} sentences/s"
        self._bar.set_description_str(told, refresh=False)
