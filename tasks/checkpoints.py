"""The files that prove what a run has done: fingerprinted JSON, written whole or not at all."""

import contextlib
import errno
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tasks.errors import ArtifactsUnwritable, DumpDamaged

logger = logging.getLogger(__name__)

Json = dict[str, Any]

# Counted up when a checkpoint means something else than before: an older one is then not believed.
FORMAT = 5
# Files digested side by side: the digest of a block is worked out without Python's lock.
_AT_ONCE = 4
_BLOCK_BYTES = 1 << 20
_PROBE_BYTES = 1 << 16


@dataclass(frozen=True)
class Checkpoint:
    """One JSON file that proves one step done."""

    path: Path

    def read(self) -> Json | None:
        """Return the content, or None where there is no whole checkpoint of this format."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            logger.warning("%s is not a checkpoint and is ignored: %s", self.path, error)
            return None
        if not isinstance(content, dict) or content.get("format") != FORMAT or "fingerprint" not in content:
            logger.warning("%s was written by another version of Towpath and is ignored", self.path)
            return None
        return content

    def made_from(self, fingerprint: Json) -> Json | None:
        """Return the content while it was made from what it would be made from now."""
        content = self.read()
        return content if content is not None and content.get("fingerprint") == fingerprint else None

    def write(self, fingerprint: Json, content: Json) -> None:
        """Put the file in place in one rename, flushed to disk.

        Raises:
            ArtifactsUnwritable: full, read-only or not ours.
        """
        text = _text({"format": FORMAT, "fingerprint": fingerprint, **content})
        write_whole(self.path, text, by_way_of=self.path.parent)

    def remove(self) -> None:
        """Take the proof away, before what it proves is changed."""
        with writing_to(self.path.parent):
            self.path.unlink(missing_ok=True)


def _text(content: Json) -> str:
    """Write JSON for eyes and grep, a line for each key and for each item of a list: to indent it all takes seconds."""
    return "{" + ",".join(f"\n {_json(key)}: {_spread(value)}" for key, value in content.items()) + "\n}\n"


def _spread(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _json(value)
    return "[" + ",".join(f"\n  {_json(item)}" for item in value) + "\n ]"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def write_whole(path: Path, text: str, *, by_way_of: Path) -> None:
    """Put a text file in place in one rename, flushed to disk; until then it has a passing name in a folder.

    Two that write the same file need two folders, on the file's own disk.

    Raises:
        ArtifactsUnwritable: full, read-only or not ours.
    """
    unfinished = by_way_of / f".{path.name}.unfinished"
    with writing_to(path.parent):
        try:
            with unfinished.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            flush(path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise


@contextlib.contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Say in words that a disk is full or a folder not ours."""
    reasons = {
        errno.ENOSPC: "no space is left on its disk",
        errno.EDQUOT: "the disk quota is used up",
        errno.EFBIG: "a file would be larger than this user may write",
        errno.EIO: "its disk fails",
        errno.EROFS: "it is on a read-only file system",
        errno.EACCES: "this user may not write there",
        errno.EPERM: "this user may not write there",
        errno.EMFILE: "this process may open no more files (ulimit -n)",
        errno.ENOTDIR: "a part of its path is a file",
        errno.EEXIST: "a file of that name is in its place",
    }
    try:
        yield
    except OSError as error:
        # Only a file's error has a file's name, or one of these numbers.
        if error.errno not in reasons and error.filename is None:
            raise
        reason = reasons.get(error.errno or 0, f"{error.strerror}: {error.filename}")
        raise ArtifactsUnwritable(
            f"{folder} cannot be written: {reason}; no finished checkpoint was changed",
            hint="make room, correct the rights, move away what is in the way, or give another --artifacts-root",
        ) from error


def ensure_writable(folder: Path) -> None:
    """Raise ArtifactsUnwritable where not a little can be written: asked when a program has failed.

    What it said would not do: a server whose own disk is full uses the same words.
    """
    with writing_to(folder), tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(bytes(_PROBE_BYTES))
        probe.flush()


def flush(path: Path) -> None:
    """Wait until the disk has a file, or a folder's list of names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def digest_of(value: Json) -> str:
    """Return the SHA-256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def files_in(
    folder: Path, except_named: Collection[str] = (), known: Mapping[str, Json] = MappingProxyType({})
) -> dict[str, Json]:
    """Return size and SHA-256 of every file below a folder, by its relative name; some names are passed over.

    What is `known` of a file is taken over, and the file not read.
    """
    sizes = sizes_in(folder, except_named)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        found = threads.map(lambda name: known.get(name) or _described(folder / name, sizes[name]), sizes)
        return dict(zip(sizes, found, strict=True))


def _described(path: Path, size: int) -> Json:
    return {"bytes": size, "sha256": digest_of_file(path)}


def sizes_in(folder: Path, except_named: Collection[str] = ()) -> dict[str, int]:
    """Return the size in bytes of every file below a folder, by its relative name; no file is opened."""
    found = ((path, path.relative_to(folder)) for path in sorted(folder.rglob("*")))
    return {
        name.as_posix(): path.stat().st_size
        for path, name in found
        if path.is_file() and not set(except_named).intersection(name.parts)
    }


def ensure_intact(folder: Path, files: dict[str, Json]) -> None:
    """Read every file again and compare it with what was written down of it.

    Raises:
        DumpDamaged: some are missing, changed or too many; they are named.
    """
    found = files_in(folder)
    wrong = sorted(name for name in files.keys() | found.keys() if files.get(name) != found.get(name))
    if wrong:
        raise DumpDamaged(
            f"{folder} is not what was dumped: {', '.join(wrong[:5])} {'…' if wrong[5:] else ''}".rstrip()
            + "; the destination was not touched",
            hint=f"delete {folder} and run again: the source will be dumped anew",
        )


def digest_of_file(path: Path) -> str:
    """Return a file's SHA-256."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
