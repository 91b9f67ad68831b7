"""Splices: sentences that begin as one real sentence and end as another, for a teacher to label."""

from training.splices import splices

BANKS = "Banks say that the central bank will raise interest rates again before the summer."
MAYORS = "Mayors of four towns hope the central bank will lend them what the new bridges cost."
TALKS = "He told reporters that talks could fail."
TEXTS = [BANKS, MAYORS, TALKS]
EVEN = [1.0] * len(TEXTS)


def test_a_splice_begins_as_one_sentence_and_ends_as_another_behind_two_words_that_they_share() -> None:
    found = splices(TEXTS, EVEN, 2)
    assert sorted(found) == [
        "Banks say that the central bank will lend them what the new bridges cost.",
        "Mayors of four towns hope the central bank will raise interest rates again before the summer.",
    ]


def test_there_are_no_more_than_the_sentences_have_in_common_and_none_of_them_is_one_that_is_known() -> None:
    assert len(splices(TEXTS, EVEN, 50)) == 2
    assert splices([BANKS, BANKS, TALKS], EVEN, 50) == []
    assert splices([TALKS], [1.0], 50) == []
    assert splices([], [], 50) == []
    assert splices(TEXTS, EVEN, 0) == []


def test_fewer_splices_are_the_first_of_more_and_a_sentence_without_weight_begins_none() -> None:
    ends = {"envoy": "talks go on", "mayor": "nobody was hurt", "judge": "it is late", "nurse": "beds are short"}
    many = [f"The old {who} said last night that {end} in the north." for who, end in ends.items()]
    all_of_them = splices(many, [1.0] * 4, 8)
    assert len(all_of_them) == 8
    assert splices(many, [1.0] * 4, 3) == all_of_them[:3]
    begun = splices(TEXTS, [1.0, 0.0, 0.0], 2)
    assert [text.split()[0] for text in begun] == ["Banks"]


def test_a_quotation_that_is_opened_is_closed() -> None:
    quoted = 'The envoy said that "the central bank will lend them what they need" to reporters.'
    found = splices([BANKS, quoted], [1.0, 1.0], 50)
    assert all(text.count('"') % 2 == 0 for text in found)
    assert splices([BANKS, quoted], [1.0, 1.0], 50) == []
