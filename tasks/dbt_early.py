"""dbt before it is needed: a child that imports it and reads the project while the copy is on its way.

One for each process of ours. Whatever becomes of it, a build is what it would have been without.
"""

import atexit
import contextlib
import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks import commands
from tasks.commands import Program, Waiting

logger = logging.getLogger(__name__)

_PROGRAM = Path(__file__).with_name("programs") / "dbt_in_waiting.py"
# `#!/usr/bin/python3`, `#!/usr/bin/env python3.11`: what an installer writes, unless the path is too long for it.
_SHEBANG = re.compile(rb"#! ?(?:/\S*/env )?(\S*python[0-9.]*)\n")


@dataclass
class _Child:
    """`expected` is what it was told of the order to come, None before that."""

    executable: str
    program: Program
    expected: object = None


_children: list[_Child] = []


def start(executable: str) -> None:
    """Let a child import dbt, unless there is one, or that executable is not a script of Python's."""
    script = commands.find(executable, commands.search_path())
    interpreter = _interpreter(script) if script and not _children else None
    if script is None or interpreter is None:
        return
    program = commands.start_waiting([interpreter, str(_PROGRAM), str(script)])
    _children.append(_Child(executable, program))
    # Where nothing takes it: Linux ends it when we die, elsewhere it sees that nobody gives it orders any more.
    atexit.register(end)
    logger.debug("dbt is being imported by process %d", program.pid)


def is_there() -> bool:
    """Whether a child waits that has not been told what to expect."""
    return any(child.expected is None for child in _children)


def rehearse(command: Sequence[str], environment: Mapping[str, str], *, expected: object) -> None:
    """Let the child run a command of dbt's for what it leaves in memory, in the environment of the order to come."""
    for child in _children:
        child.expected = expected
        _order(child, command, environment, is_rehearsal=True)


def take(command: Sequence[str], environment: Mapping[str, str], *, expected: object) -> Waiting | None:
    """Give the command to the child and return it at work; None where there is none, or it expected something else."""
    while _children:
        child = _children.pop()
        is_fit = child.executable == command[0] and child.expected in (None, expected)
        if is_fit and _order(child, command, environment, is_rehearsal=False):
            return Waiting(command, child.program)
        logger.debug("dbt starts anew: what was prepared does not fit")
        commands.end(child.program)
    return None


def end() -> None:
    """End the child, if there is one."""
    while _children:
        commands.end(_children.pop().program)


def _order(child: _Child, command: Sequence[str], environment: Mapping[str, str], *, is_rehearsal: bool) -> bool:
    order = {"environment": dict(environment), "words": list(command[1:]), "is_rehearsal": is_rehearsal}
    orders = child.program.stdin
    # A child that has ended reads none.
    with contextlib.suppress(OSError):
        if orders is not None:
            orders.write(json.dumps(order).encode() + b"\n")
            orders.flush() if is_rehearsal else orders.close()
            return True
    return False


def _interpreter(script: Path) -> str | None:
    with contextlib.suppress(OSError), script.open("rb") as file:
        if found := _SHEBANG.fullmatch(file.readline(256)):
            named = Path(found[1].decode())
            return (
                str(named if named.is_absolute() else commands.find(named.name, commands.search_path()) or "") or None
            )
    return None
