"""The article in a web page, found by trafilatura."""

import logging
from functools import cache
from typing import TYPE_CHECKING

from newsstance.errors import MissingLibraryError

if TYPE_CHECKING:
    from collections.abc import Callable


def page_text(page: bytes) -> str | None:
    """Give the text of the article in ``page``, a paragraph a line, without what stands around it, or ``None``."""
    return require_trafilatura()(page, include_comments=False, include_tables=False)


@cache
def require_trafilatura() -> "Callable[..., str | None]":
    """Give trafilatura's ``extract``; raises ``MissingLibraryError`` if it isn't installed."""
    try:
        from trafilatura import extract
    except ImportError as error:
        raise MissingLibraryError("pages of HTML need trafilatura: pip install 'newsstance[html]'") from error
    for name in ("trafilatura", "htmldate", "courlan"):  # a page without an article is told by its reject alone
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return extract
