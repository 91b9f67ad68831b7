"""How much of the machine is ours."""

import os


def usable_cores() -> int:
    """Give the number of cores that this process may use, at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
