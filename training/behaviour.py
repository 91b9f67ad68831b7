"""The behavioural suite: small cases of what a model must do, in the manner of CheckList.

``minimum`` cases have one right stance by a rule of the codebook; ``invariance`` cases must keep their stance when a name, a
country or a figure is swapped; ``directional`` cases must move towards another stance by a small edit. After Ribeiro and others
(2020), https://aclanthology.org/2020.acl-main.442.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from newsstance import Predictor, SentenceScore
from training.corpus import read_lines

CASES: Final = Path("tests/behaviour")
KINDS: Final = ("minimum", "invariance", "directional")
MOVE: Final = 0.1
"""By how much the probability of the expected stance must rise for a directional case to pass."""

Cases = Mapping[str, Sequence[Mapping[str, Any]]]
"""The cases of each kind, as their files hold them."""


def read_cases(folder: Path = CASES) -> Cases:
    """Read the cases of every kind from its file in ``folder``."""
    return {kind: [json.loads(line) for line in read_lines(folder / f"{kind}.jsonl")] for kind in KINDS}


def case_texts(case: Mapping[str, Any]) -> list[str]:
    """Give the texts of a case, the one that the others vary first."""
    return [case["text"], *case.get("variants", []), *([case["variant"]] if "variant" in case else [])]


def pass_rates(predictor: Predictor, cases: Cases) -> dict[str, float]:
    """Give the share of cases that pass, in [0, 1]: ``behaviour/KIND``, and ``behaviour/KIND_GROUP`` by rule or capability."""
    passed: dict[str, list[bool]] = defaultdict(list)
    for kind, of_kind in cases.items():
        texts = [case_texts(case) for case in of_kind]
        scores = iter(predictor.predict([text for of_case in texts for text in of_case]))
        for case, of_case in zip(of_kind, texts, strict=True):
            result = _passes(kind, case, [next(scores) for _ in of_case])
            passed[f"behaviour/{kind}"].append(result)
            passed[f"behaviour/{kind}_{_group(case)}"].append(result)
    return {name: sum(results) / len(results) for name, results in passed.items()}


def _passes(kind: str, case: Mapping[str, Any], scores: Sequence[SentenceScore]) -> bool:
    if kind == "minimum":
        return scores[0].stance == str(case["stance"])
    if kind == "invariance":
        return len({score.stance for score in scores}) == 1
    before, after = (score.stance_probabilities[case["variant_stance"]] for score in scores)
    return bool(after - before >= MOVE)


def _group(case: Mapping[str, Any]) -> str:
    return f"rule_{case['rule']:02}" if "rule" in case else str(case["capability"]).replace("-", "_")
