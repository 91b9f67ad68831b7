"""The progress bar of long work, on standard error."""

import sys
from typing import Final

from tqdm import tqdm

_ON_TERMINAL: Final = 1.0
_IN_A_LOG: Final = 30.0
"""Seconds between two states of the bar."""


def progress_bar(what: str, total: int, unit: str = "batch", done: int = 0) -> "tqdm[int]":
    """Open the bar of ``what``, which has done so many of its ``total`` units; in a log it moves twice a minute."""
    interval = _ON_TERMINAL if sys.stderr.isatty() else _IN_A_LOG
    return tqdm(total=total, initial=done, desc=what, unit=unit, mininterval=interval)
