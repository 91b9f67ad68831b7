"""One training of a recipe at a time in a models folder: two would write over each other's checkpoint and export."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def only_training(name: str, models: Path) -> Iterator[None]:
    """Hold the recipe ``name`` in ``models``, once another training of it, in whatever process, has ended."""
    models.mkdir(parents=True, exist_ok=True)
    lock = FileLock(models / f".{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"{name}: another training of this recipe is under way in {models}/; waiting for it", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
