"""Splitting: exact offsets, nothing dropped, paragraphs respected."""

import random
import re

import pytest

from newsstance import split_sentences

PIECES = [
    "a ", "B", ". ", '."', "”", "“", "\n", "\n\n", " ", "😀", "é", "\r\n", "\u2028", "\x85", "\u00a0", '"', "Mr. ", "?",
    "...", "\x0b", "\u200b", "É.", "ß. ", "Ж. ", "中。", "…", "— ", "(", ")", "U.S. ", "J.K. ", "«", "e\u0301", "\t", "\u3000",
]  # fmt: skip


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def assert_nothing_dropped(text: str) -> None:
    last = 0
    for start, end in split_sentences(text):
        assert last <= start < end
        assert not text[last:start].strip()
        assert text[start:end] == text[start:end].strip()
        last = end
    assert not text[last:].strip()


@pytest.mark.parametrize("seed", range(5))
def test_any_text_is_covered_exactly_but_for_white_space(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(400):
        assert_nothing_dropped("".join(rng.choices(PIECES, k=rng.randrange(40))))


def test_a_quotation_stays_whole() -> None:
    text = 'The chair said: "We will pay. We always pay." Then she left for the U.S. on Monday.'
    assert sentences(text) == ['The chair said: "We will pay. We always pay."', "Then she left for the U.S. on Monday."]


def test_offsets_count_characters_not_bytes() -> None:
    text = "Été 😀 – c'est fini. The café in Málaga shut. It rained."
    assert sentences(text) == ["Été 😀 – c'est fini.", "The café in Málaga shut.", "It rained."]


def test_a_headline_on_its_own_line_is_a_sentence() -> None:
    assert sentences("Bridge opens\nThe bridge opened on Monday.") == ["Bridge opens", "The bridge opened on Monday."]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_wrapped_lines_are_joined(newline: str) -> None:
    text = newline.join(["The bridge over the Tamar, closed since", "may, opened on Monday. Ferries", "stopped."])
    assert [re.sub(r"\s+", " ", sentence) for sentence in sentences(text)] == [
        "The bridge over the Tamar, closed since may, opened on Monday.",
        "Ferries stopped.",
    ]


def test_a_blank_line_ends_a_sentence_also_without_a_full_stop() -> None:
    assert sentences("No stop here\n \nand lower case there") == ["No stop here", "and lower case there"]


def test_a_lone_mark_belongs_to_the_sentence_before_it() -> None:
    assert all(any(c.isalnum() for c in sentence) for sentence in sentences('He said "no. " Then he left. * * *'))


@pytest.mark.parametrize("text", ["", " \n\t\u00a0\n "])
def test_white_space_has_no_sentences(text: str) -> None:
    assert split_sentences(text) == []


def test_an_initial_before_a_wide_space_does_not_bring_the_splitter_down() -> None:
    assert sentences("J.\u2028Smith and K.\u00a0Jones met.") == ["J.\u2028Smith and K.\u00a0Jones met."]
