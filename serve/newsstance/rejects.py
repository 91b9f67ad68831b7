"""From a record to the text of an article, or the reason why it isn't one."""

from newsstance.language import foreign_language
from newsstance.pages import page_text
from newsstance.records import Fault, Reason, Record

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def article_text(record: Record, max_chars: int, any_language: bool) -> str | Fault:
    """Give the text of ``record``, or why it can't be scored.

    More than ``max_chars`` characters are too many; a text that surely isn't English is refused unless ``any_language``.
    """
    text = _text(record)
    if isinstance(text, Fault):
        return text
    if not text.strip():
        return Fault(Reason.EMPTY, "the article is empty")
    if len(text) > max_chars:
        return Fault(Reason.SIZE, f"{len(text):,} characters, more than {max_chars:,}; --max-chars raises that")
    if not any(map(str.isalpha, text)):
        return Fault(Reason.NOT_TEXT, "there isn't a letter in it")
    language = None if any_language else foreign_language(text)
    if language:
        return Fault(
            Reason.LANGUAGE, f"not English ({language}); the model knows English; --any-language scores it all the same"
        )
    return text


def _text(record: Record) -> str | Fault:
    if isinstance(record.content, bytes):
        return _page(record.content) if record.html else decode(record.content)
    if isinstance(record.content, str) and "\0" in record.content:
        return Fault(Reason.NOT_TEXT, "binary, not text")
    return record.content


def _page(page: bytes) -> str | Fault:
    if not page.strip():
        return Fault(Reason.EMPTY, "the file is empty")
    if b"\0" in page and not page.startswith(_UTF_16):
        return Fault(Reason.NOT_TEXT, "a binary file, not text")
    return page_text(page) or Fault(Reason.EMPTY, "no article found in this page")


def decode(content: bytes) -> str | Fault:
    """Give ``content``, a file or a line in UTF-8, as text, or why it isn't text."""
    if not content.strip():
        return Fault(Reason.EMPTY, "the file is empty")
    if content.startswith(_UTF_16):
        return Fault(Reason.ENCODING, "encoded in UTF-16; convert it to UTF-8")
    if b"\0" in content:
        return Fault(Reason.NOT_TEXT, "a binary file, not text")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Fault(Reason.ENCODING, f"not UTF-8 (byte {error.start}); convert it, for example with iconv")
    return text if text.strip() else Fault(Reason.EMPTY, "the file is empty")
