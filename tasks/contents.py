"""What an archive of pg_dump's says of itself: its table of contents, what of it is restored, what is left out."""

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tasks import commands
from tasks.tools import Tool


@dataclass(frozen=True)
class Entry:
    """One line of `pg_restore --list`; `title` is descriptor, schema (or `-`), name and owner, none of them quoted.

    What is defined has a `classid`; comments have 0. `depends_on` are the numbers of other entries.
    """

    line: str
    classid: int
    oid: int
    title: str
    number: int = 0
    depends_on: frozenset[int] = frozenset()


def entries(pg_restore: Tool, archive: Path, *, timeout_seconds: float) -> list[Entry]:
    """Read the table of contents.

    Raises:
        CommandFailed: the archive cannot be read.
    """
    said = _said_by([str(pg_restore.path), "--list", "--verbose", str(archive)], timeout_seconds)
    found: list[Entry] = []
    for line in said.split("\n"):
        match = _ENTRY.fullmatch(line)
        if match and not _OF_THE_DATABASE.match(match[4]):
            found.append(Entry(line, int(match[2]), int(match[3]), match[4], int(match[1])))
        elif match is None and found and line.startswith(_DEPENDS_ON):
            numbers = frozenset(map(int, line.removeprefix(_DEPENDS_ON).split()))
            found[-1] = replace(found[-1], depends_on=numbers)
    return found


_ENTRY = re.compile(r"(\d+); (\d+) (\d+) (.*)")
# What only `pg_restore --create` restores, and only --verbose lists.
_OF_THE_DATABASE = re.compile(
    "(ENCODING|STDSTRINGS|SEARCHPATH|DATABASE|DATABASE PROPERTIES) - |(COMMENT|SECURITY LABEL|ACL) - DATABASE "
)
_DEPENDS_ON = ";\tdepends on:"


def digest(pg_restore: Tool, archive: Path, *, timeout_seconds: float) -> str:
    """Digest the statements that an archive is made of: equal for archives that define the same, on any day.

    Raises:
        CommandFailed: the archive cannot be read.
    """
    script = _said_by([str(pg_restore.path), "--file=-", str(archive)], timeout_seconds)
    # Versions, and the random word with which psql is told to take no orders in between.
    passing = (r"\restrict ", r"\unrestrict ", "-- Dumped ")
    lasting = [line for line in script.split("\n") if not line.startswith(passing)]
    return hashlib.sha256("\n".join(lasting).encode()).hexdigest()


def _said_by(command: list[str], timeout_seconds: float) -> str:
    said: list[bytes] = []
    commands.run(command, timeout_seconds=timeout_seconds, take=lambda stream: said.append(stream.read()))
    return said[0].decode()


# What belongs to the whole database, to its roles or to other servers: all that has `-` in the place of a schema, but
# for what we make ourselves, and these, which have a schema.
_LEFT_OUT = re.compile(
    r"(EVENT TRIGGER|CAST|PUBLICATION|SUBSCRIPTION|FOREIGN DATA WRAPPER|SERVER|USER MAPPING|PROCEDURAL LANGUAGE"
    r"|TRANSFORM|ACCESS METHOD|BLOBS?|BLOB METADATA|LARGE OBJECTS?|DATABASE|DATABASE PROPERTIES|COMMENT) - "
    r"|(FOREIGN TABLE|PUBLICATION TABLES? ?(IN SCHEMA)?|SUBSCRIPTION TABLE|POLICY|ROW SECURITY|SECURITY LABEL"
    r"|DEFAULT ACL|ACL) "
    r"|COMMENT .*? (POLICY|FOREIGN TABLE) "
)
# A foreign table has no entry for all that is in it.
_PARTS = re.compile(r"(TABLE ATTACH|DEFAULT|SEQUENCE|TRIGGER|STATISTICS|COMMENT) ")
# Of these the destination has its own: they say who may do what at the source, and where its changes go.
_THE_SOURCES_OWN = re.compile(
    r"(PUBLICATION|SUBSCRIPTION|DATABASE|DATABASE PROPERTIES) - "
    r"|(PUBLICATION TABLES? ?(IN SCHEMA)?|SUBSCRIPTION TABLE|POLICY|ROW SECURITY|SECURITY LABEL|DEFAULT ACL|ACL) "
    r"|COMMENT "
)
# Made before pg_restore begins, because they outlive the load.
_OURS = re.compile(r"(SCHEMA|EXTENSION) - |COMMENT - EXTENSION ")


def restored(contents: Sequence[Entry], except_titles: Collection[str] = ()) -> list[Entry]:
    """List what pg_restore is to make: all that lives in schemas and does not outlive the load."""
    absent = _absent(contents)
    made = [e for e in contents if e.line not in absent and _OURS.match(e.title) is None]
    return [e for e in made if e.title not in except_titles]


def left_out(contents: Sequence[Entry]) -> list[str]:
    """Name what a copy into schemas cannot carry, and of which a person should know."""
    absent = _absent(contents)
    return [e.title for e in contents if e.line in absent and _OURS.match(e.title) is None]


def is_the_sources_own(title: str) -> bool:
    """Whether something left out is no loss: grants, policies, publications, comments."""
    return _THE_SOURCES_OWN.match(title) is not None


def _absent(contents: Sequence[Entry]) -> set[str]:
    """Tell the lines of what is left out, and of what is a part of it: an entry comes after those it depends on."""
    absent, foreign = set[str](), set[int]()
    for entry in contents:
        is_part = _PARTS.match(entry.title) is not None and not foreign.isdisjoint(entry.depends_on)
        if entry.title.startswith("FOREIGN TABLE ") or is_part:
            foreign.add(entry.number)
        if is_part or _LEFT_OUT.match(entry.title):
            absent.add(entry.line)
    return absent
