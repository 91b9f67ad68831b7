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
