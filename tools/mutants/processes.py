"""Each mutant meets what it has to meet in a process of its own, so that it breaks nothing for the next."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from tools.mutants.mutant import Mutant

SECONDS_EACH = 40  # of a processor; a mutant that takes longer goes round in circles: noticed


def in_parallel(mutants: list[Mutant], notices: Callable[[Mutant], bool], processes: int) -> list[Mutant]:
    """Those that were not noticed. One that ends badly or not in time was."""
    survivors: list[Mutant] = []
    running: dict[int, Mutant] = {}
    began = time.monotonic()
    waiting = list(reversed(mutants))
    while waiting or running:
        while waiting and len(running) < processes:
            mutant = waiting.pop()
            if (child := os.fork()) == 0:
                if mutant.part:
                    signal.setitimer(signal.ITIMER_PROF, SECONDS_EACH)
                _be_quiet()
                os._exit(1 if notices(mutant) else 0)
            running[child] = mutant
        child, status = os.wait()
        mutant = running.pop(child)
        if status == 0:
            survivors.append(mutant)
            print(f"  not noticed: {mutant.name}", flush=True)
        done = len(mutants) - len(waiting) - len(running)
        if done % 100 == 0:
            print(f"  {done:,} of {len(mutants):,} after {time.monotonic() - began:.0f} s", flush=True)
    return sorted(survivors, key=lambda mutant: mutant.name)


def _be_quiet() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
