"""The campaign: every kind of fault at random under load, seed after seed, on one shop that grows old with it.

Its tables go into docs/reliability.md, between two marks, with the command that made them.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from coinshop.embedded.environment import ROOT
from drills import checker
from drills.history import Effects, Ended, History, Operation, Tally, tally, unheard_of
from drills.report import HEADS, Result, part_of
from drills.rig import Rig
from drills.shop import Shop

SEED_S = 100.0  # of load and faults, and longer where a seed has not had its share by then
LONGEST = 3  # times as long, at most
CALM_S = 20.0
LEAST_OPS, LEAST_FAULTS, LEAST_KINDS, LEAST_SEEDS = 100_000, 500, 12, 10
SETTLES_S, SETTLES_CALM_S = 5.0, 1.0
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- the campaign writes from here -->", "<!-- to here -->"


@dataclass
class Campaign:
    """What has happened so far."""

    shop: Shop
    seconds: float
    history: History = field(default_factory=History)
    faults: Counter[str] = field(default_factory=Counter)
    results: list[Result] = field(default_factory=list)

    async def calm(self) -> Result:
        """First, how it is when nothing breaks."""
        return await self.seed(0, CALM_S, with_faults=False)

    async def seed(self, seed: int, seconds: float, *, with_faults: bool = True) -> Result:
        """Load and faults for so long, then heal, count, restart everything and count again."""
        rig = Rig(self.shop, seed, history=self.history)
        await rig.welcome()
        rig.enter(f"{seed} calm")
        await rig.fund(rig.fans, 1000)
        since, nemesis = checker.moment(self.shop), rig.nemesis()
        async with rig.load():
            if with_faults:
                begun = monotonic()
                await nemesis.rage(
                    lambda: self._has_its_share(seed, len(nemesis.done), (monotonic() - begun) / seconds),
                    lambda kind: rig.enter(f"{seed} {kind}"),
                )
            else:
                await rig.wait(seconds)
            over = monotonic()
        since_last_s = over - nemesis.done[-1][0] if nemesis.done else 0.0
        name = "chaos" if with_faults else "calm"
        result = Result(name, seed, faults=len(nemesis.done), heal_s=since_last_s + rig.heal_s)
        await rig.quiesce()
        result.settled = checker.settle_times(self.shop, since)
        limit_s = SETTLES_S if with_faults else SETTLES_CALM_S
        if (late := part_of(result.settled, 0.99)) > limit_s:
            result.late.append(f"settle p99 {late:.1f} s, more than {limit_s:.0f} s")
        await self._count(result, "at the end")
        await rig.restart()
        await rig.quiesce()
        await self._count(result, "after a restart")
        self.faults.update(kind for _, kind in nemesis.done)
        self.results.append(result)
        return result

    def _has_its_share(self, seed: int, faults: int, passed: float) -> bool:
        """Has a seed had its time, and its tenth of what the campaign needs?"""
        if not 1 <= passed < LONGEST:
            return passed >= 1
        acked = sum(each.ended is Ended.OK for each in self.history if each.drill.startswith(f"{seed} "))
        return acked >= LEAST_OPS // LEAST_SEEDS and faults >= LEAST_FAULTS // LEAST_SEEDS

    async def _count(self, result: Result, when: str) -> None:
        effects = checker.effects(self.shop)
        mine = [each for each in self.history if each.drill.startswith(f"{result.seed} ")]
        result.tallies[when] = tally(mine, effects)
        result.strangers = max(result.strangers, unheard_of(self.history, effects))
        result.violations += [f"{when}: {each.rule}: {each.what}" for each in await checker.violations(self.shop)]

    @property
    def raging(self) -> list[Result]:
        return [result for result in self.results if result.drill == "chaos"]

    @property
    def total(self) -> Tally:
        return sum((result.tally for result in self.results), Tally())

    def shortfalls(self) -> list[str]:
        """Why a campaign that broke nothing proves nothing: it was too small."""
        have = {
            "acknowledged operations": (self.total.acked, LEAST_OPS),
            "faults": (self.faults.total(), LEAST_FAULTS),
            "kinds of faults": (len(self.faults), LEAST_KINDS),
            "seeds": (len(self.raging), LEAST_SEEDS),
        }
        return [f"{count} {what}, of {least}" for what, (count, least) in have.items() if count < least]

    def verdict(self) -> str:
        if failed := [result for result in self.results if not result.has_passed]:
            return f"FAILED: seed {failed[0].seed}: {failed[0].verdict}"
        return f"void: {'; '.join(short)}" if (short := self.shortfalls()) else "passed"


async def run(shop: Shop, seeds: list[int], seconds: float, say: Callable[[str], None]) -> int:
    """Run the seeds, print a line for each, and write the tables. Exit 0 only for a campaign that is large enough."""
    campaign = Campaign(shop, seconds)
    say(HEADS)
    say((await campaign.calm()).line())
    for seed in seeds:
        say((await campaign.seed(seed, seconds)).line())
    effects = checker.effects(shop)
    tables = [
        f'`make campaign SEEDS="{" ".join(map(str, seeds))}" SECONDS={seconds:g}`: **{campaign.verdict()}**, with '
        f"{campaign.total.acked:,} acknowledged operations and {campaign.faults.total()} faults of "
        f"{len(campaign.faults)} kinds.",
        by_seed(campaign.results),
        by_fault(campaign.history, campaign.faults, effects),
    ]
    say("\n" + tables[0])
    write("\n\n".join(tables))
    return 0 if campaign.verdict() == "passed" else 1


def by_seed(results: Iterable[Result]) -> str:
    heads = "seed | operations | acknowledged | faults | lost | phantom | doubled | unknown (done) | violations | heal"
    rows = [f"| {heads} | settle p50 / p99 / max |", "|" + "---|" * 11]
    for result in results:
        tally = result.tally
        settle = " / ".join(f"{part_of(result.settled, share):.2f}" for share in (0.5, 0.99, 1))
        name = "none, calm" if result.drill == "calm" else str(result.seed)
        unknown = f"{tally.unknown} ({tally.unknown_done})"
        rows.append(
            f"| {name} | {tally.ops} | {tally.acked} | {result.faults} | {tally.lost} | {result.phantom} | {tally.dup} "
            f"| {unknown} | {len(result.violations)} | {result.heal_s:.1f} s | {settle} s |"
        )
    return "\n".join(rows)


def by_fault(history: History, faults: Counter[str], effects: Effects) -> str:
    """Operations are counted under the fault that was the last to begin before them."""
    of_kind: dict[str, list[Operation]] = {}
    for operation in history:
        of_kind.setdefault(operation.drill.split(" ", 1)[1], []).append(operation)
    rows = [
        "| fault | how often | operations | acknowledged | lost | phantom | doubled | unknown (done) |",
        "|" + "---|" * 8,
    ]
    for kind, count in sorted(faults.items()):
        t = tally(of_kind.get(kind, []), effects)
        unknown = f"{t.unknown} ({t.unknown_done})"
        rows.append(f"| {kind} | {count} | {t.ops} | {t.acked} | {t.lost} | {t.phantom} | {t.dup} | {unknown} |")
    return "\n".join(rows)


def write(tables: str, page: Path = PAGE) -> None:
    """Put the tables between the marks of the page."""
    before, rest = page.read_text().split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{rest.split(END)[1]}")
