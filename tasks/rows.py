"""The rows of a table on disk, as COPY wrote them: in one file or several, binary or text, compressed or not."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from backports import zstd

from tasks.checkpoints import Json
from tasks.errors import SettingInvalid

# Whose binary form is the same on every server since 14. Not here, and so copied as text: types of the source's own,
# whose numbers differ from server to server (enums, domains, composites, their arrays); money, whose fraction depends
# on lc_monetary; interval, which has infinite values since 17 that an older server takes for numbers; what is rarer.
BINARY_TYPES = (
    "boolean", "smallint", "integer", "bigint", "real", "double precision", "numeric", "text", "character varying",
    "character", "bytea", "date", "time", "time with time zone", "timestamp", "timestamp with time zone", "uuid",
    "json", "jsonb", "inet", "cidr", "macaddr",
)  # fmt: skip

# A smaller table shares a psql with others, is text, and stays as it is: to compress it would gain nothing.
LARGE_BYTES = 4 << 20
# So much goes to one psql of small tables.
GROUP_BYTES, GROUP_TABLES = 32 << 20, 500
# The same blocks for the same rows: by them the compressed bytes, and so their digest, come out the same.
_BLOCK_BYTES = 1 << 20
# As the documentation of COPY has it: a signature, flags and an empty extension before the rows, -1 after them.
_HEADER_BYTES, _TRAILER = 19, b"\xff\xff"
_COMPRESSED = ".zst"


@dataclass(frozen=True)
class Compression:
    """zstd's level; 0 leaves the rows as they are."""

    level: int

    @classmethod
    def from_text(cls, text: str) -> "Compression":
        """Read `none`, `zstd` or `zstd:3`. Raises SettingInvalid."""
        if text == "none":
            return cls(0)
        if match := re.fullmatch(r"zstd(?::([1-9]|1\d|2[0-2]))?", text):
            return cls(int(match[1] or 1))
        raise SettingInvalid(
            f"[dump] compress = {text} is not a way to compress; nothing was changed",
            hint="give none, zstd, or zstd:1 to zstd:22",
        )

    @property
    def ending(self) -> str:
        """What it adds to a file's name."""
        return _COMPRESSED if self.level else ""


ZSTD_1 = Compression(1)


def store(stream: IO[bytes], path: Path, compression: Compression) -> Json:
    """Write what a stream gives to a file, and return the file's size and SHA-256, known with its last byte."""
    compressor = zstd.ZstdCompressor(level=compression.level) if compression.level else None
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as file:

        def write(block: bytes) -> None:
            nonlocal size
            digest.update(block)
            size += len(block)
            file.write(block)

        while block := stream.read(_BLOCK_BYTES):
            write(compressor.compress(block) if compressor else block)
        if compressor:
            write(compressor.flush())
    return {"bytes": size, "sha256": digest.hexdigest()}


def read(paths: Sequence[Path], *, is_binary: bool) -> Iterator[bytes]:
    """Give the rows of a table as one stream of COPY's, in blocks."""
    for number, path in enumerate(paths):
        blocks = _blocks(path)
        if is_binary:
            blocks = _without_ends(blocks, is_first=number == 0, is_last=number == len(paths) - 1)
        yield from blocks


def _blocks(path: Path) -> Iterator[bytes]:
    with zstd.open(path) if path.suffix == _COMPRESSED else path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block


def _without_ends(blocks: Iterator[bytes], *, is_first: bool, is_last: bool) -> Iterator[bytes]:
    """Take off the header of all but the first of several files, and the trailer of all but the last."""
    held = next(blocks, b"")
    held = held if is_first else held[_HEADER_BYTES:]
    for block in blocks:
        # The trailer may be parted by the end of a block.
        yield held[: -len(_TRAILER)]
        held = held[-len(_TRAILER) :] + block
    yield held if is_last else held.removesuffix(_TRAILER)
