"""Run drills: see drills/README.md.

python -m drills                        the short round, a line for each drill
python -m drills F01 R05 --seed 7       some of them
python -m drills --mutants [NAME …]     break the shop on purpose, and see the drills fail
python -m drills campaign 1 2 3         the long one, by seed
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import SystemRandom

from coinshop.embedded.claim import claim
from drills import campaign, full_disk, mutants, races, report, under_load, webhooks  # noqa: F401  # each enters its drills
from drills.report import Result
from drills.rig import DRILLS, Rig, judge, run_one
from drills.shop import Shop, quietly


def main() -> int:
    parser = argparse.ArgumentParser(prog="drills", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="*", help="drills by name, or `campaign` and its seeds")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=campaign.SEED_S, help="of load for each seed of a campaign")
    parser.add_argument("--in-time", action="store_true", help="a drill that is slow is one that failed")
    parser.add_argument("--mutants", action="store_true")
    parser.add_argument("--planted", default="", help=argparse.SUPPRESS)  # SQL that a mutant plants
    parser.add_argument("--keep", action="store_true", help="leave the data folder, and say where it is")
    asked = parser.parse_args()
    if asked.mutants:
        return mutants.show(asked.what, say)
    if asked.what[:1] == ["campaign"]:
        seeds = [int(seed) for seed in asked.what[1:]]
        return in_a_shop(lambda shop: campaign.run(shop, seeds, asked.seconds, say), keep=asked.keep)
    seed = asked.seed if asked.seed is not None else SystemRandom().randrange(1, 10_000)
    if unknown := set(asked.what) - DRILLS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(DRILLS)}")
    return in_a_shop(
        lambda shop: drill(shop, seed, asked.what or [*DRILLS], asked.planted, asked.in_time), keep=asked.keep
    )


def say(text: str) -> None:
    print(text, file=sys.__stdout__, flush=True)


def in_a_shop(work: Callable[[Shop], Awaitable[int]], *, keep: bool) -> int:
    """Run something in a shop of its own, which is gone afterwards."""
    data = Path(tempfile.mkdtemp(prefix="coinshop-drill-"))
    log = data / "shop.log"
    code = 1
    try:
        with claim(data) as held_fd, quietly(log):
            code = asyncio.run(_open_and(work, data, held_fd))
    finally:
        if keep or code:
            say(f"the shop's log: {log}")
        else:
            shutil.rmtree(data, ignore_errors=True)
    return code


async def _open_and(work: Callable[[Shop], Awaitable[int]], data: Path, held_fd: int) -> int:
    shop = Shop(data, held_fd)
    try:
        await shop.start()
        return await work(shop)
    finally:
        await shop.stop()
        shop.close()


async def drill(shop: Shop, seed: int, names: list[str], planted: str, in_time: bool) -> int:
    """The short round: each drill, then the count, a restart of everything, and the count again."""
    if planted:
        shop.ask(planted.replace("%", "%%"))
    rig = Rig(shop, seed)
    await rig.welcome()
    rig.enter("fund")
    await rig.fund(rig.fans)
    say(f"seed {seed}\n{report.HEADS}")
    results: list[Result] = []
    for name in names:
        results.append(await run_one(rig, DRILLS[name]))
        if os.environ.get("DRILLS_VERBOSE"):
            say(f"… {name} is over: {results[-1].broken}")
    await rig.quiesce()
    await judge(rig, results, when="at the end")
    await rig.restart()
    await rig.quiesce()
    await judge(rig, results, when="after a restart")
    for result in results:
        say(result.line())
    return report.exit_code(results, in_time=in_time)


if __name__ == "__main__":
    sys.exit(main())
