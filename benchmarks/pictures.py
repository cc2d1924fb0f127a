"""Bars and curves as SVG, readable on a light and on a dark page."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from benchmarks.summary import Summary

FOLDER = Path(__file__).with_name("pictures")

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.quiet { fill: #59636e }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.range { stroke: #1f2328; stroke-width: 1.5 }
.fill0 { fill: #8c959f } .fill1 { fill: #0969da } .fill2 { fill: #bc4c00 } .fill3 { fill: #1a7f37 }
.line0 { stroke: #8c959f } .line1 { stroke: #0969da } .line2 { stroke: #bc4c00 } .line3 { stroke: #1a7f37 }
path { fill: none; stroke-width: 2.5 } .dashed { stroke-dasharray: 6 4 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .quiet { fill: #9198a1 } .grid { stroke: #3d444d } .range { stroke: #f0f6fc }
  .fill0 { fill: #656c76 } .fill1 { fill: #4493f8 } .fill2 { fill: #db6d28 } .fill3 { fill: #3fb950 }
  .line0 { stroke: #656c76 } .line1 { stroke: #4493f8 } .line2 { stroke: #db6d28 } .line3 { stroke: #3fb950 }
}
"""
_WIDTH = 760
_BAR_LEFT, _BAR_RIGHT, _BAR_HEIGHT, _BAR_STEP = 330, 640, 20, 32
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 560, 52, 312


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar with its range; `kind` is the number of its colour, `note` stands at its end."""

    name: str
    value: Summary
    note: str
    kind: int


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Points from left to right; all numbers are above zero."""

    name: str
    points: Sequence[tuple[float, float]]
    kind: int
    is_dashed: bool = False


def bars(title: str, given: Sequence[Bar]) -> str:
    """Draw one bar below the other, from zero."""
    most = max(bar.value.most for bar in given)
    lines = [_text(0, 16, title)]
    for number, bar in enumerate(given):
        top = 32 + number * _BAR_STEP
        middle, end = top + _BAR_HEIGHT / 2, _bar_end(bar.value.median, most)
        least, last = _bar_end(bar.value.least, most), _bar_end(bar.value.most, most)
        lines += [
            _text(_BAR_LEFT - 8, middle + 4, bar.name, anchor="end"),
            _box(bar.kind, top, end),
            f'<line class="range" x1="{least:.1f}" x2="{last:.1f}" y1="{middle}" y2="{middle}"/>',
            _text(max(end, last) + 8, middle + 4, bar.note, kind="quiet"),
        ]
    return _picture(title, 32 + len(given) * _BAR_STEP, lines)


def curves(title: str, given: Sequence[Curve], *, across: str, up: str, from_zero: bool = False) -> str:
    """Draw curves, each named at its right end; logarithmic, or `from_zero` upwards."""
    points = [point for curve in given for point in curve.points]
    x = _Logarithmic([point[0] for point in points])
    y = (_FromZero if from_zero else _Logarithmic)([point[1] for point in points])
    lines = [_text(0, 16, title), _text(0, _TOP - 8, up, kind="quiet")]
    for value in x.marks:
        at = x.place(value, _LEFT, _RIGHT)
        lines += [_rule(at, at, _TOP, _BOTTOM), _text(at, _BOTTOM + 18, _tick(value), anchor="middle", kind="quiet")]
    for value in y.marks:
        at = y.place(value, _BOTTOM, _TOP)
        lines += [_rule(_LEFT, _RIGHT, at, at), _text(_LEFT - 8, at + 4, _tick(value), anchor="end", kind="quiet")]
    for curve, name_at in zip(given, _apart([y.place(one.points[-1][1], _BOTTOM, _TOP) for one in given]), strict=True):
        drawn = [(x.place(a, _LEFT, _RIGHT), y.place(b, _BOTTOM, _TOP)) for a, b in curve.points]
        kind = f"line{curve.kind}" + " dashed" * curve.is_dashed
        lines.append(f'<path class="{kind}" d="M{" L".join(f"{a:.1f} {b:.1f}" for a, b in drawn)}"/>')
        lines += [f'<circle class="fill{curve.kind}" cx="{a:.1f}" cy="{b:.1f}" r="4"/>' for a, b in drawn]
        lines.append(_text(drawn[-1][0] + 10, name_at + 4, curve.name))
    lines.append(_text((_LEFT + _RIGHT) / 2, _BOTTOM + 38, across, anchor="middle", kind="quiet"))
    return _picture(title, _BOTTOM + 46, lines)


def write(name: str, picture: str) -> str:
    """Keep a picture, and return its path from the page."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")
    return f"{FOLDER.name}/{name}.svg"


class _Logarithmic:
    """From the least of some numbers to the greatest, with the powers of ten among them as marks."""

    def __init__(self, values: Sequence[float]) -> None:
        self._first, self._last = math.log10(min(values)), math.log10(max(values))
        if self._first == self._last:
            self._first, self._last = self._first - 1, self._last + 1
        self.marks = [10.0**power for power in range(math.ceil(self._first), math.floor(self._last) + 1)]

    def place(self, value: float, start: float, end: float) -> float:
        return start + (math.log10(value) - self._first) / (self._last - self._first) * (end - start)


class _FromZero:
    """From zero to above the greatest of some numbers."""

    def __init__(self, values: Sequence[float]) -> None:
        power = 10.0 ** math.floor(math.log10(max(values)))
        step = next(power * part for part in (0.2, 0.5, 1, 2) if max(values) <= 6 * power * part)
        self.marks = [step * number for number in range(math.ceil(max(values) / step) + 1)]

    def place(self, value: float, start: float, end: float) -> float:
        return start + value / self.marks[-1] * (end - start)


def _bar_end(value: float, most: float) -> float:
    return _BAR_LEFT + value / most * (_BAR_RIGHT - _BAR_LEFT)


def _apart(places: Sequence[float]) -> list[float]:
    """Move names apart that would lie upon one another."""
    moved = list(places)
    order = sorted(range(len(moved)), key=lambda number: moved[number])
    for above, below in itertools.pairwise(order):
        moved[below] = max(moved[below], moved[above] + 16)
    return moved


def _tick(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _rule(x1: float, x2: float, y1: float, y2: float) -> str:
    return f'<line class="grid" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


def _box(kind: int, top: float, end: float) -> str:
    size = f'width="{end - _BAR_LEFT:.1f}" height="{_BAR_HEIGHT}"'
    return f'<rect class="fill{kind}" x="{_BAR_LEFT}" y="{top}" {size} rx="2"/>'


def _picture(title: str, height: float, lines: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{_STYLE}</style>", *lines, "</svg>", ""])
