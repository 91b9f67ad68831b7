"""Sentences that come twice are scored once: wire copy repeats them, and so do the headings of a newsletter."""

from collections.abc import Sequence

import numpy as np

from newsstance.models import Estimates, Model


def estimate_once(model: Model, texts: Sequence[str]) -> Estimates:
    """Give what ``model`` estimates for each of ``texts``, at least one, asking about each exact text only once."""
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    if len(places) == len(texts):
        return model.estimate(texts)
    estimates = model.estimate(list(places))
    taken = np.array([places[text] for text in texts])
    parts = tuple(estimates.parts[place] for place in taken)
    models = estimates.models and tuple(estimates.models[place] for place in taken)
    return Estimates({head: values[taken] for head, values in estimates.probabilities.items()}, parts, models)
