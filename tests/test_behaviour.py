"""The behavioural suite: its cases are sound, and a trained model keeps to it."""

from collections import Counter
from pathlib import Path

import pytest

from newsstance import STANCES, Predictor
from training.behaviour import CASES, KINDS, Cases, case_texts, pass_rates, read_cases
from training.cli import main
from training.corpus import CORPUS_PATH, read_corpus
from training.near_duplicates import near_duplicates

ROOT = Path(__file__).parents[1]
FLOORS = {"minimum": 0.75, "invariance": 0.88, "directional": 0.62}
"""What tfidf passes at least; it passed 0.82, 0.93 and 0.72 when the suite was written."""


def test_each_rule_of_the_codebook_has_at_least_eight_cases() -> None:
    counts = Counter(case["rule"] for case in read_cases(ROOT / CASES)["minimum"])
    assert set(counts) == set(range(1, 15))
    assert min(counts.values()) >= 8


def test_there_are_two_hundred_cases_of_three_kinds_none_twice() -> None:
    cases = read_cases(ROOT / CASES)
    assert sum(map(len, cases.values())) >= 200
    texts = [text for kind in KINDS for case in cases[kind] for text in case_texts(case)]
    assert len(set(texts)) == len(texts)
    for case in (*cases["minimum"], *cases["directional"]):
        assert {case["stance"], case.get("variant_stance", case["stance"])} <= set(STANCES)


@pytest.mark.slow
def test_no_case_is_near_a_sentence_of_the_corpus() -> None:
    texts = [text for of_kind in read_cases(ROOT / CASES).values() for case in of_kind for text in case_texts(case)]
    corpus = [sentence.text for sentence in read_corpus(ROOT / CORPUS_PATH)]
    pairs = near_duplicates([*texts, *corpus])
    assert not [(pair, pair.second) for pair in pairs if pair.first < len(texts) <= pair.second]


def test_a_case_passes_by_its_kind(predictor: Predictor) -> None:
    hopes, fears = "Qwertyui hopes asdfghjk.", "Qwertyui fears asdfghjk."
    cases: Cases = {
        "minimum": [{"rule": 1, "text": hopes, "stance": "optimistic"}, {"rule": 1, "text": hopes, "stance": "none"}],
        "invariance": [
            {"capability": "city", "text": hopes, "variants": ["Zxcvbnmq hopes asdfghjk."]},
            {"capability": "city", "text": hopes, "variants": [fears]},
        ],
        "directional": [
            {"capability": "negate", "text": hopes, "variant": fears, "stance": "optimistic", "variant_stance": "alarmed"},
            {"capability": "negate", "text": hopes, "variant": fears, "stance": "optimistic", "variant_stance": "optimistic"},
        ],
    }
    rates = pass_rates(predictor, cases)
    assert rates == {
        "behaviour/minimum": 0.5,
        "behaviour/minimum_rule_01": 0.5,
        "behaviour/invariance": 0.5,
        "behaviour/invariance_city": 0.5,
        "behaviour/directional": 0.5,
        "behaviour/directional_negate": 0.5,
    }


@pytest.mark.slow
def test_tfidf_trained_on_our_corpus_keeps_above_its_floors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["train", "tfidf", "--models", str(tmp_path), "--store", str(tmp_path / "mlruns")]) == 0
    rates = pass_rates(Predictor.load(tmp_path), read_cases())
    for kind, floor in FLOORS.items():
        assert rates[f"behaviour/{kind}"] >= floor, kind
    assert main(["behaviour", "--model", str(tmp_path)]) == 0
    assert "rule_14" in capsys.readouterr().out
