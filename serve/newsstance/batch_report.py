"""What a batch says when it has ended."""

from newsstance.batch import Outcome
from newsstance.outputs import Outputs


def report(outputs: Outputs, outcome: Outcome) -> str:
    """Give one line: what was scored, what was rejected and why, and how long it took."""
    told = [f"{outputs.out}: {outcome.scored:,} articles scored, {outcome.sentences:,} sentences"]
    if outcome.rejected:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(outcome.reasons.items()))
        told.append(f"{outcome.rejected:,} rejected ({reasons}): see {outputs.rejects}")
    done = outcome.scored + outcome.rejected
    if outcome.seconds is None:
        told.append("all of it by an earlier start")
    else:
        before = f", after {outcome.recalled:,} by an earlier start" if outcome.recalled else ""
        told.append(f"{done - outcome.recalled:,} articles in {outcome.seconds:,.1f} s{before}")
    return "; ".join(told)
