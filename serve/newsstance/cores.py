"""How much of the machine is ours."""

import os


def usable_cores() -> int:
    """Give the number of cores that this process may use, at least 1.

    ``OMP_NUM_THREADS`` lowers it, as it does for other numeric libraries: an engine that runs a process a core, such as Spark,
    says so by it.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # a list has a number for each level of nesting
    return min(cores, int(asked)) if asked.isdecimal() and int(asked) > 0 else cores
