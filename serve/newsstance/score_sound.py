"""Score texts together, so that one that can't be scored costs nothing but itself."""

from collections.abc import Mapping
from typing import Final

from newsstance.predictor import Predictor
from newsstance.records import Fault, Reason
from newsstance.scores import ArticleScore

_PANIC: Final = "PanicException"
"""What a failure in Rust comes as; no class to import, and not an ``Exception``."""
_PLAIN: Final = ("The ministers met.", " ".join(f"The ministers met on day {day} of the talks." for day in range(1, 151)))
"""A model that fails on one of these too is broken, whatever the texts are: it computes few sentences otherwise than many."""


def score_sound(predictor: Predictor, texts: Mapping[int, str | Fault]) -> dict[int, ArticleScore | Fault]:
    """Score what is text among ``texts``, together; one that the model fails on gives a fault, as what is a fault does.

    A model that fails on everything raises what it raises.
    """
    faults = {place: text for place, text in texts.items() if isinstance(text, Fault)}
    sound = {place: text for place, text in texts.items() if isinstance(text, str)}
    try:
        return {**faults, **_together(predictor, sound)}
    except BaseException as error:
        if not _of_the_text(error) or any(_failure(predictor, plain) for plain in _PLAIN):
            raise
    faults |= {place: fault for place, text in sound.items() if (fault := _failure(predictor, text))}
    return {**faults, **_together(predictor, {place: text for place, text in sound.items() if place not in faults})}


def _together(predictor: Predictor, texts: Mapping[int, str]) -> dict[int, ArticleScore]:
    return dict(zip(texts, predictor.score_many(texts.values(), max(len(texts), 1)), strict=True))


def _failure(predictor: Predictor, text: str) -> Fault | None:
    try:
        predictor.score(text)
    except BaseException as error:
        if not _of_the_text(error):
            raise
        return Fault(Reason.FAILED, f"it can't be scored ({type(error).__name__}); please report it")
    return None


def _of_the_text(error: BaseException) -> bool:
    if isinstance(error, MemoryError | OSError):
        return False
    return isinstance(error, Exception) or type(error).__name__ == _PANIC
