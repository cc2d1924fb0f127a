"""dbt, imported and waiting to be told what to do. Run by the interpreter of a dbt executable, whose path is given.

Each line on standard input is an order, as JSON: `environment` is added to ours, `words` are a command of dbt's. What
`is_rehearsal` is run in silence, and we go on waiting; for any other we become the executable. When whoever gives the
orders is gone, so are we.
"""

import gc
import json
import os
import runpy
import sys

# New objects between two collections. With Python's own 700 these take a fifth of a build: dbt makes objects by the
# million and throws few of them away.
_OBJECTS = (200_000, 20, 1_000)


def wait(executable: str) -> None:
    """Obey orders until one of them is no rehearsal, or there are no more."""
    heard = os.dup(1)
    _point_to_nothing(1, 2)
    # As Python does when it runs the executable.
    sys.path[0] = os.path.dirname(executable)  # noqa: PTH120 (its interpreter may be older than ours)
    gc.disable()
    is_warm = _rehearse([])
    for line in iter(sys.stdin.readline, ""):
        order = json.loads(line)
        os.environ.update(order["environment"])
        if order["is_rehearsal"]:
            is_warm = is_warm and _rehearse(order["words"])
            continue
        _point_to_nothing(0)
        os.dup2(heard, 1)
        os.dup2(heard, 2)
        _become(executable, order["words"], is_warm=is_warm)
        return


def _rehearse(words: list[str]) -> bool:
    """Import dbt, and run a command of its, if one is given, for what it leaves in memory; whether it went well."""
    try:
        from dbt.cli.main import cli  # noqa: PLC0415 (it takes longer than all the rest, and is to be silent)

        if words:
            cli.main(args=words, standalone_mode=False)
    except BaseException:  # noqa: BLE001 (what is wrong, the executable itself will tell)
        return False
    return True


def _become(executable: str, words: list[str], *, is_warm: bool) -> None:
    if not is_warm:
        os.execv(executable, [executable, *words])  # noqa: S606 (as whoever gives the order would have)
    gc.freeze()
    gc.set_threshold(*_OBJECTS)
    gc.enable()
    sys.argv = [executable, *words]
    runpy.run_path(executable, run_name="__main__")


def _point_to_nothing(*numbers: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in numbers:
        os.dup2(nothing, number)
    os.close(nothing)


wait(sys.argv[1])
