"""What can go wrong while training; the root is newsstance's own."""

from newsstance.errors import NewsstanceError


class CorpusError(NewsstanceError):
    """The corpus is missing, malformed or breaks one of its rules."""


class RecipeError(NewsstanceError):
    """A recipe can't be found or read, or sets something to a value that makes no sense."""


class EncoderError(NewsstanceError):
    """The pretrained encoder that a recipe names can't be found or loaded."""


class DownloadError(NewsstanceError):
    """A package whose files are wanted can't be downloaded."""


class ExportError(NewsstanceError):
    """An exported model doesn't agree with the one that was trained."""


class ComparisonError(NewsstanceError):
    """Two runs can't be compared: one isn't there, keeps no predictions, or was measured on something else."""


class StoreError(NewsstanceError):
    """The MLflow store can't be used."""
