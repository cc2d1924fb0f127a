"""Amounts, and moments, in words."""

import datetime

_UNITS = ("bytes", "kB", "MB", "GB", "TB")
# Each with the next smaller, and how many seconds they have.
_UNITS_OF_TIME = (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1))


def size(number: float) -> str:
    """Put bytes in words: `1.5 GB`."""
    return f"{_digits(number, _unit_of(number))} {_UNITS[_unit_of(number)]}"


def part_of_size(part: float, whole: float) -> str:
    """Put a part of some bytes in words, in the unit of the whole: `0.2 of 1.5 GB`."""
    unit = _unit_of(whole)
    return f"{_digits(part, unit)} of {_digits(whole, unit)} {_UNITS[unit]}"


def count(number: int) -> str:
    """Put a whole number in words: `1,234,567`."""
    return f"{number:,}"


def change(number: int) -> str:
    """Put a difference in words: `+1,234`, `0`, or with a minus as wide as the plus."""
    return f"{number:+,}".replace("-", "\N{MINUS SIGN}") if number else "0"


def duration(seconds: float) -> str:
    """Put seconds in words, in the two largest units: `40 ms`, `0.3 s`, `42 s`, `3 min 20 s`, `2 h 5 min`."""
    for unit, length, part, part_length in _UNITS_OF_TIME:
        whole, rest = divmod(round(seconds / part_length), length // part_length)
        if whole:
            return f"{whole} {unit} {rest} {part}" if rest else f"{whole} {unit}"
    if 0 < seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if 0 < seconds < 9.95 else f"{seconds:.0f} s"


def instant(written: str) -> datetime.datetime:
    """Read a moment in ISO 8601 with its offset; Python 3.10 does not know the offset Z."""
    return datetime.datetime.fromisoformat(written.replace("Z", "+00:00")).astimezone(datetime.timezone.utc)


def moment(written: str) -> str:
    """Put a moment in ISO 8601 in words: `2026-11-23 07:26:20 UTC`."""
    return f"{instant(written):%Y-%m-%d %H:%M:%S} UTC"


def _unit_of(number: float) -> int:
    # From 999.5 on it would be told as 1000.
    return next((unit for unit in range(len(_UNITS) - 1) if number / 1000**unit < 999.5), len(_UNITS) - 1)


def _digits(number: float, unit: int) -> str:
    shown = number / 1000**unit
    return f"{shown:.0f}" if unit == 0 or shown >= 99.95 else f"{shown:.1f}"
