"""An article's score as a table for a terminal."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from newsstance.labels import POSTURES, STANCES, UNSURE
from newsstance.scores import ArticleScore, SentenceScore

_STYLES = {**dict(zip(STANCES, ("green", "yellow", "red", "dim"), strict=True)), UNSURE: "dim italic"}


def print_score(console: Console, name: str, score: ArticleScore) -> None:
    """Print what the model says of the article ``name``: a summary, and a row for each sentence."""
    console.print(f"[bold]{escape(name)}[/bold]", soft_wrap=True)
    for line in summary_lines(score):
        console.print(line, highlight=False, soft_wrap=True)
    table = Table(show_edge=False, pad_edge=False)
    for heading, justify in (
        ("#", "right"),
        ("stance", "left"),
        ("p", "right"),
        ("sentiment", "left"),
        ("sentence", "left"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for number, sentence in enumerate(score.sentences, start=1):
        table.add_row(str(number), *_cells(sentence))
    console.print(table)
    console.print()


def summary_lines(score: ArticleScore) -> list[str]:
    """Give the article's figures in words, two lines."""
    bearing = round(score.coverage * len(score.sentences))
    shares = ", ".join(f"{posture} {score.shares[posture]:.0%}" for posture in POSTURES)
    tone = "n/a" if score.tone is None else f"{score.tone:+.2f}"
    sentiment = "n/a" if score.mean_sentiment is None else f"{score.mean_sentiment:+.2f}"
    shares += f"; unsure of {score.unsure:.0%}" if score.unsure else ""
    return [
        f"{score.dominant}; {bearing} of {len(score.sentences)} sentences take a stance ({score.coverage:.0%}): {shares}",
        f"tone {tone}, mean sentiment {sentiment}",
    ]


def _cells(sentence: SentenceScore) -> tuple[str, str, str, str]:
    style = _STYLES[sentence.stance]
    parts = f" [dim](read in {sentence.parts} parts)[/dim]" if sentence.parts > 1 else ""
    probability = f"{max(sentence.stance_probabilities.values()):.2f}"
    text = escape(" ".join(sentence.text.split()))
    return f"[{style}]{sentence.stance}[/{style}]", probability, sentence.sentiment, text + parts
