"""The model that stays in a process which is asked to load it for one task after another, as a worker of Spark is."""

from functools import lru_cache

from newsstance.predictor import Predictor


@lru_cache(maxsize=1)
def resident_predictor(path: str) -> Predictor:
    """Give the predictor of the bundle in the folder ``path``, which must not change. The last one asked for stays loaded.

    Raises what ``Predictor.load`` does.
    """
    return Predictor.load(path)
