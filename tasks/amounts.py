"""Amounts in words."""

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size(number: float) -> str:
    """Put bytes in words: `1.5 GB`."""
    return f"{_digits(number, _unit_of(number))} {_UNITS[_unit_of(number)]}"


def part_of_size(part: float, whole: float) -> str:
    """Put a part of some bytes in words, in the unit of the whole: `0.2 of 1.5 GB`."""
    unit = _unit_of(whole)
    return f"{_digits(part, unit)} of {_digits(whole, unit)} {_UNITS[unit]}"


def _unit_of(number: float) -> int:
    # From 999.5 on it would be told as 1000.
    return next((unit for unit in range(len(_UNITS) - 1) if number / 1000**unit < 999.5), len(_UNITS) - 1)


def _digits(number: float, unit: int) -> str:
    shown = number / 1000**unit
    return f"{shown:.0f}" if unit == 0 or shown >= 99.95 else f"{shown:.1f}"
