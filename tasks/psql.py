"""psql as what carries rows: it runs COPY, is fed or taken from, and says how many rows each has moved."""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import IO

from tasks import commands
from tasks.commands import ProgramFailed
from tasks.pipes import Carry
from tasks.postgres import Session
from tasks.progress import unheard
from tasks.tools import Tool

_ROWS_SAID = re.compile(r"COPY (\d+)")


class CopyBrokenError(Exception):
    """psql has failed: what the server said, and how many COPYs had ended well."""

    def __init__(self, said: str, done: int) -> None:
        super().__init__(said)
        self.said, self.done = said, done


@dataclass(frozen=True)
class Psql:
    """psql in a session's database, with all settings as in that session, and `settings` of its own.

    `deadline` is of the monotonic clock.
    """

    session: Session
    tool: Tool
    deadline: float
    settings: tuple[tuple[str, str], ...] = ()

    def copy(
        self,
        orders: Sequence[str],
        blocks: Iterable[bytes],
        *,
        take: Carry | None = None,
        on_copied: Callable[[int], None],
        on_said: Callable[[str], None] = unheard,
        ensure_going: Callable[[], None],
    ) -> list[int]:
        """Carry out orders, or what is in the blocks where there are none; the blocks are then rows.

        `on_copied` is called after each COPY with how many there have been, `on_said` with every other line that psql
        has to say; `take` is given what psql puts out, and psql is then to say elsewhere what it has done
        (`\\o /dev/stderr`).

        Returns:
            How many rows each COPY has moved.

        Raises:
            CopyBrokenError: the server refused something, or is gone, or the time is up.
        """
        done: list[int] = []

        def on_line(line: str) -> None:
            if match := _ROWS_SAID.fullmatch(line):
                done.append(int(match[1]))
                on_copied(len(done))
            else:
                on_said(line)

        def feed(stream: IO[bytes]) -> None:
            for block in blocks:
                stream.write(block)

        given = [f"--command={order}" for order in orders]
        try:
            commands.run(
                [str(self.tool.path), "--no-psqlrc", "--set=ON_ERROR_STOP=1", *given],
                environment=self.session.libpq_environment(as_ours=True, **dict(self.settings)),
                timeout_seconds=self.deadline - time.monotonic(),
                on_line=on_line,
                listen=self.session.heartbeat().beside(ensure_going),
                feed=feed,
                take=take,
            )
        except ProgramFailed as error:
            said = [line.partition(":  ")[2] for line in error.lines if "ERROR:" in line or "FATAL:" in line]
            raise CopyBrokenError(said[0] if said else error.message, len(done)) from error
        return done
