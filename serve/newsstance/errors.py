"""What can go wrong in newsstance. Each message is one line that says what to do."""


class NewsstanceError(Exception):
    """The root of every error that newsstance raises on purpose."""


class ModelNotFoundError(NewsstanceError):
    """There is no exported model at the place asked for."""


class BundleError(NewsstanceError):
    """An exported model is incomplete, altered or of a form that this version doesn't read."""


class ConfidenceError(NewsstanceError):
    """What was given as a confidence is no probability."""


class ArticleError(NewsstanceError):
    """An article or a sentence can't be read or scored."""


class ColumnError(NewsstanceError):
    """A table's column of text or of ids isn't there or can't be told."""


class LineTooLongError(NewsstanceError):
    """A line is longer than one article may be."""


class MissingLibraryError(NewsstanceError):
    """An optional library that a format needs isn't installed."""


class BatchError(NewsstanceError):
    """A batch can't start, or can't go on from what an earlier one left."""


class InputError(NewsstanceError):
    """What was named to be scored, or to be written, can't be: a misuse, told before anything is done."""


class EngineError(NewsstanceError):
    """The engine that spreads the work over machines isn't there, can't start or has given up."""


def first_line(error: object) -> str:
    """Give the first line of what ``error`` says, at most 200 characters of it, or its type where it says nothing."""
    told = str(error).strip()
    return told.splitlines()[0][:200] if told else type(error).__name__
