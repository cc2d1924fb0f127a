"""Where the marks of a page's pictures stand, in percent of the width and the height: a picture fits any screen."""

import datetime
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.amounts import instant
from tasks.checkpoints import Json

# A pause between two tries is drawn in a fixed width when it is longer than both of these.
_LONG_PAUSE_SECONDS, _LONG_PAUSE_SHARE = 10.0, 0.25
_PAUSE_WIDTH, _PAUSES_WIDTH = 5.0, 30.0
_LEAST_WIDTH = 0.5
_LEAST_HEIGHT = 3.0

Span = tuple[datetime.datetime, datetime.datetime]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A step in the timeline; `left` and `width` are percent."""

    step: Json
    left: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Pause:
    """A pause that is not drawn to scale: between which steps, and for how many seconds."""

    left: float
    width: float
    after: str
    before: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Steps in the order in which they began."""

    bars: list[Bar]
    pauses: list[Pause]
    began_at: str
    ended_at: str


@dataclass(frozen=True, kw_only=True)
class Column:
    """A run in a trend; all in percent."""

    report: Json
    left: float
    width: float
    height: float


def timeline(steps: Sequence[Json]) -> Timeline | None:
    """Draw the steps of a run to scale, but for long pauses; None where there are none."""
    if not steps:
        return None
    # Those who began together in the order of their names: the same report makes the same page.
    steps = sorted(steps, key=lambda step: (instant(step["started_at"]), step["step"]))
    stretches = _stretches(steps)
    place, pauses = _scale(stretches)
    return Timeline(
        bars=[_bar(step, place) for step in steps],
        pauses=pauses,
        began_at=stretches[0].began.isoformat(),
        ended_at=stretches[-1].ended.isoformat(),
    )


@dataclass
class _Stretch:
    """Steps without a long pause between them."""

    began: datetime.datetime
    ended: datetime.datetime
    first: str
    last: str

    @property
    def seconds(self) -> float:
        return (self.ended - self.began).total_seconds()


def _stretches(steps: Sequence[Json]) -> list[_Stretch]:
    longest = max(_LONG_PAUSE_SECONDS, _LONG_PAUSE_SHARE * sum(step["seconds"] for step in steps))
    found: list[_Stretch] = []
    for step in steps:
        began, ended = _span(step)
        if not found or (began - found[-1].ended).total_seconds() > longest:
            found.append(_Stretch(began, ended, step["step"], step["step"]))
        elif ended >= found[-1].ended:
            found[-1].ended, found[-1].last = ended, step["step"]
    return found


def _scale(stretches: Sequence[_Stretch]) -> tuple[Callable[[datetime.datetime], float], list[Pause]]:
    """Return what gives a moment its place, and the pauses with theirs."""
    gaps = len(stretches) - 1
    gap_width = min(_PAUSE_WIDTH, _PAUSES_WIDTH / gaps) if gaps else 0.0
    width_of_second = (100 - gaps * gap_width) / (sum(stretch.seconds for stretch in stretches) or 1.0)
    lefts = [0.0]
    for stretch in stretches:
        lefts.append(lefts[-1] + stretch.seconds * width_of_second + gap_width)

    def place(moment: datetime.datetime) -> float:
        number = max(n for n, stretch in enumerate(stretches) if n == 0 or moment >= stretch.began)
        return lefts[number] + (moment - stretches[number].began).total_seconds() * width_of_second

    pauses = [
        Pause(
            left=round(lefts[number] - gap_width, 2),
            width=round(gap_width, 2),
            after=before.last,
            before=after.first,
            seconds=(after.began - before.ended).total_seconds(),
        )
        for number, (before, after) in enumerate(itertools.pairwise(stretches), start=1)
    ]
    return place, pauses


def _bar(step: Json, place: Callable[[datetime.datetime], float]) -> Bar:
    left, right = map(place, _span(step))
    width = max(right - left, _LEAST_WIDTH)
    return Bar(step=step, left=round(min(left, 100 - width), 2), width=round(width, 2))


def _span(step: Json) -> Span:
    began = instant(step["started_at"])
    return began, began + datetime.timedelta(seconds=step["seconds"])


def trend(reports: Sequence[Json], measure: str) -> list[Column]:
    """Draw a measure of each run, the first to the left, from zero to the greatest."""
    most = max((report[measure] for report in reports), default=0) or 1
    # A few runs are not drawn as broad as the page.
    step = 100 / max(len(reports), 12)
    return [
        Column(
            report=report,
            left=round(number * step, 2),
            width=round(step * 0.8, 2),
            height=round(max(100 * report[measure] / most, _LEAST_HEIGHT), 2),
        )
        for number, report in enumerate(reports)
    ]
