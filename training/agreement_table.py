"""How far the annotators agree, as a table."""

from collections.abc import Sequence

from rich.table import Table

from newsstance.labels import HEADS
from training.annotations import Vote, agreement, by_group
from training.material import Material


def agreement_table(material: Material) -> Table:
    """Lay out the agreement by label, origin and split, of the sentences with two votes or more."""
    table = Table(title="agreement of the annotators", title_justify="left")
    for heading in ("head", "sentences of", "with 2+ votes", "differing", "Cohen's kappa", "Krippendorff's alpha"):
        table.add_column(heading, justify="left" if heading in ("head", "sentences of") else "right")
    votes = {identity: cast for identity, cast in material.votes.items() if len(cast) > 1}
    for head, labels in HEADS.items():
        _add(table, head, "all", list(votes.values()))
        for label in labels:
            _add(table, head, f"label {label}", list(votes.values()), label)
        for field in ("origin", "split"):
            groups = {sentence.id: str(getattr(sentence, field)) for sentence in material.sentences}
            for name, of_group in by_group(votes, groups).items():
                _add(table, head, f"{field} {name}", of_group)
    return table


def _add(table: Table, head: str, name: str, votes: Sequence[Sequence[Vote]], label: str | None = None) -> None:
    found = agreement(votes, head, label)
    figures = (f"{found.kappa:.3f}", f"{found.alpha:.3f}")
    table.add_row(head, name, str(found.sentences), str(found.differing), *figures)
