"""The model card: the README.md of an exported model, written from what was measured."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from newsstance.files import write_atomically
from newsstance.labels import HEADS
from training.bootstrap import Estimate
from training.corpus import Sentence, of_split
from training.material import Material
from training.measure import Estimates, Measured
from training.predictions import held_out_splits
from training.recipe import CROSS_FIT, Recipe
from training.selection import trained_on
from training.slices import Slice
from training.splices import SPLICED
from training.unlabelled import UNLABELLED

MODEL_CARD: Final = "README.md"
_LIMITS: Final = """\
- English news sentences, each by itself: a stance that only the article's context gives isn't seen.
- The labels mean what the codebook says (`data/CODEBOOK.md`), by annotators who are instances of one language model.
- `test` is mostly invented like the training sentences and easier than news; `test-news`, where it is given, is real news of
  one broadcaster and of late 2001. Expect real news to be nearer to `test-news`.
- Intervals tell what other articles (and, of several seeds, other seeds) would have given, not what other kinds of news would.
- A mean over articles is surer than any one sentence: read `evidence` before you act on a single label."""


def write_model_card(measured: Measured, recipe: Recipe, material: Material, found: Estimates, seeds: Sequence[int]) -> None:
    """Write ``README.md`` into the bundle that ``recipe`` made: its scores have the intervals ``found``, over ``seeds``."""
    sections = [
        _head(measured, material, seeds),
        _data(material, trained_on(recipe, material).sentences, measured.bundle.settings.get("teacher")),
        _scores(measured, found, seeds),
        _slices(measured),
        _behaviour(measured),
        f"## Limits\n\n{_LIMITS}\n",
        _versions(measured),
    ]
    write_atomically(measured.bundle.path / MODEL_CARD, "\n".join(sections).encode())


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table in Markdown, its first column to the left."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def scores_table(found: Estimates) -> str:
    """Lay out scores with their intervals, a row for each split."""
    splits = list(next(iter(found.values())))
    rows = [[split, *(shown(by_split[split]) for by_split in found.values())] for split in splits]
    return markdown_table(["split", *found], rows)


def shown(item: Estimate) -> str:
    """Write a score with its interval."""
    return f"{item.value:.3f} [{item.low:.3f}, {item.high:.3f}]"


def _head(measured: Measured, material: Material, seeds: Sequence[int]) -> str:
    bundle = measured.bundle
    several = f"; {len(seeds)} seeds were trained, this is seed {bundle.recipe['seed']}, the median on validation"
    return (
        f"# newsstance: {bundle.name}\n\n{bundle.recipe['description']}. It labels a news sentence with its stance "
        f"({', '.join(HEADS['stance'])}) and its sentiment ({', '.join(HEADS['sentiment'])}).\n\n"
        f"Trained {bundle.created[:10]} on corpus `{material.sha256[:12]}`, MLflow run `{bundle.run_id or 'none'}`"
        f"{several if len(seeds) > 1 else ', seed ' + str(bundle.recipe['seed'])}.\n\n"
        "```python\nfrom newsstance import Predictor\n\n"
        'Predictor.load("path/to/this/folder").predict(["The talks may yet fail, the envoy said."])\n```\n'
    )


def _data(material: Material, chosen: Sequence[Sentence], teacher: Mapping[str, Any] | None) -> str:
    stances = HEADS["stance"]
    rows = []
    for split in (["train"] if of_split(chosen, "train") else []) + held_out_splits(chosen):
        counts = Counter(sentence.stance for sentence in of_split(chosen, split))
        rows.append([split, f"{counts.total():,}", *(f"{counts[stance]:,}" for stance in stances)])
    table = markdown_table(["split", "sentences", *stances], rows)
    origins = _origins(of_split(material.sentences, "train"), of_split(chosen, "train"))
    return f"## Data and splits\n\n{table}\n{origins}{_teacher(teacher)}\n"


def _teacher(teacher: Mapping[str, Any] | None) -> str:
    if teacher is None:
        return ""
    others = f", and gave their only labels to {teacher[UNLABELLED]:,} real ones" if teacher[UNLABELLED] else ""
    who = f"The model `{teacher['name']}`"
    if teacher["name"] == CROSS_FIT:
        who = "Models that hadn't trained on them (`lessons.tsv` beside the corpus)"
    return f" {who} taught besides their labels{others}.{_states(teacher)}"


def _states(teacher: Mapping[str, Any]) -> str:
    if "states" not in teacher:
        return ""
    name, spliced = teacher["states"]["name"], teacher.get(SPLICED)
    whole = f", and what it answers to {spliced:,} sentences put together from the halves of real ones" if spliced else ""
    return f" What `{name}` makes of every token taught too{whole}."


def _origins(there: Sequence[Sentence], train: Sequence[Sentence]) -> str:
    """Tell the origins of the sentences that trained, the largest first, and of how many where it is a part."""
    totals = Counter(sentence.origin for sentence in there)
    counts = Counter(sentence.origin for sentence in train)
    parts = [
        f"`{origin}` {count:,}{f' of {totals[origin]:,}' if count < totals[origin] else ''}"
        for origin, count in counts.most_common()
    ]
    return f"Origins of what trained: {', '.join(parts)}." if parts else "Nothing is fitted on the training split."


def _scores(measured: Measured, found: Estimates, seeds: Sequence[int]) -> str:
    metrics = measured.metrics
    names = [f"{head}_{figure}" for head in HEADS for figure in ("ece", "nll", "nll_prior", "brier")]
    rows = [[split, *(f"{metrics[f'{split}/{name}']:.3f}" for name in names)] for split in measured.predictions]
    mean = f"the mean of {len(seeds)} seeds" if len(seeds) > 1 else "of this model"
    return (
        f"## Scores\n\nAs exported, {mean}, with 95% intervals by bootstrap (by article on test-news, else by sentence). "
        "`stance_f1` is the macro-F1 over optimistic, cautious and alarmed, with the none sentences in the data.\n\n"
        f"{scores_table(found)}\n## Calibration\n\nExpected calibration error (15 bins of equal mass), log loss beside that of "
        f"always answering the class shares (`nll_prior`), Brier score.\n\n{markdown_table(['split', *names], rows)}"
    )


def _slices(measured: Measured) -> str:
    parts = []
    for split, found in measured.slices.items():
        if split != "validation" and found:
            table = markdown_table(["slice", "sentences", "stance_f1", "sentiment_f1"], [_slice_row(item) for item in found])
            parts.append(f"### {split}\n\n{table}")
    return "## By kind of sentence\n\n" + ("\n".join(parts) or "Too few sentences to tell kinds apart.\n")


def _slice_row(item: Slice) -> list[str]:
    return [f"{item.dimension}: {item.name}", str(item.sentences), f"{item.stance_f1:.3f}", f"{item.sentiment_f1:.3f}"]


def _behaviour(measured: Measured) -> str:
    rows = [[name.removeprefix("behaviour/"), f"{rate:.0%}"] for name, rate in measured.behaviour.items()]
    table = markdown_table(["cases", "passed"], rows) if rows else "Not run.\n"
    return f"## Behaviour\n\nThe share of small cases passed, in the manner of CheckList.\n\n{table}"


def _versions(measured: Measured) -> str:
    bundle: Any = measured.bundle
    files = "\n".join(f"- `{name}`, sha256 `{record.sha256}`" for name, record in bundle.files.items())
    versions = ", ".join(f"{package} {version}" for package, version in bundle.versions.items())
    return f"## Versions and files\n\n{versions}.\n\n{files}\n"
