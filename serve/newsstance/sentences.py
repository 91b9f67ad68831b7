"""Where the sentences of a text lie.

The splitting is sentencex's, which keeps quotations whole. Around it stands only what it leaves to its caller: offsets
without the white space, line breaks that part paragraphs, and a promise that nothing but white space is dropped.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import sentencex

_BLANK_LINES: Final = re.compile(r"\n\s*\n")
_LINE: Final = re.compile(r"\S[^\n]*")
_WRAPPED: Final = re.compile(r"[^\s.!?:;\"'”’)\]]\s*\n[^\S\n]*[a-z]")
_WORD: Final = re.compile(r"\w")
_SPACE: Final = re.compile(r"\s")


class Span(NamedTuple):
    """The characters ``text[start:end]``."""

    start: int
    end: int


def split_sentences(text: str) -> list[Span]:
    """Give the span of each sentence of ``text``, in order, without the white space around it.

    Every character of ``text`` that isn't white space lies in exactly one span, and ``text[start:end]`` is the sentence to
    the letter. A blank line always ends a sentence. So does a single line break (a headline, a paragraph a line), except in
    a block whose lines are wrapped: one of them goes on in lower case where the line before it ended mid-sentence. A run
    without a letter or a digit, such as a lone closing quote, belongs to the sentence before it in its paragraph.
    """
    return [span for paragraph in _paragraphs(text) for span in _split_paragraph(text, paragraph)]


def encodable(text: str) -> str:
    """Put a question mark for each lone surrogate, which JSON can hold and UTF-8 can't; the offsets stay."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _paragraphs(text: str) -> Iterator[Span]:
    for block in _blocks(text):
        if _WRAPPED.search(text, *block):
            yield block
        else:
            yield from (Span(*line.span()) for line in _LINE.finditer(text, *block))


def _blocks(text: str) -> Iterator[Span]:
    start = 0
    for gap in _BLANK_LINES.finditer(text):
        yield Span(start, gap.start())
        start = gap.end()
    yield Span(start, len(text))


def _split_paragraph(text: str, paragraph: Span) -> list[Span]:
    spans: list[Span] = []
    # One plain space for each white space character: sentencex 1.0.32 panics on an initial after a wider one (U+2028).
    plain = _SPACE.sub(" ", text[paragraph.start : paragraph.end])
    for boundary in sentencex.get_sentence_boundaries("en", plain):
        span = _strip(text, paragraph.start + boundary["start_index"], paragraph.start + boundary["end_index"])
        if span.start == span.end:
            continue
        if spans and not _WORD.search(text, *span):
            spans[-1] = Span(spans[-1].start, span.end)
        else:
            spans.append(span)
    return spans


def _strip(text: str, start: int, end: int) -> Span:
    stretch = text[start:end]
    left = len(stretch) - len(stretch.lstrip())
    return Span(start + left, start + max(left, len(stretch.rstrip())))
