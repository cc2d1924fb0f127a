import hashlib
import io
import os

import pytest
from backports import zstd

from tasks import rows
from tasks.errors import SettingInvalid
from tasks.rows import Compression, read, store

HEADER, TRAILER = b"PGCOPY\n\xff\r\n\x00" + bytes(8), b"\xff\xff"
BLOCK = rows._BLOCK_BYTES


def stored(path, content, level=1):
    return store(io.BytesIO(content), path, Compression(level))


@pytest.mark.parametrize("level", [0, 1, 19])
def test_what_is_stored_is_read_again_and_its_file_is_described(tmp_path, level):
    content = os.urandom(1000) * 3000

    described = stored(tmp_path / f"a.copy{Compression(level).ending}", content, level)

    (file,) = tmp_path.iterdir()
    assert described == {"bytes": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    assert b"".join(read([file], is_binary=False)) == content
    assert (zstd.decompress(file.read_bytes()) if level else file.read_bytes()) == content


def test_the_same_rows_have_the_same_digest_however_the_pipe_cuts_them(tmp_path):
    content = os.urandom(100) * 50_000

    class Dripping(io.RawIOBase):
        def __init__(self):
            self.rest = memoryview(content)

        def readable(self):
            return True

        def readinto(self, into):
            piece = self.rest[: min(7919, len(into))]
            into[: len(piece)] = piece
            self.rest = self.rest[len(piece) :]
            return len(piece)

    dripped = store(io.BufferedReader(Dripping()), tmp_path / "a.zst", Compression(1))

    assert dripped == stored(tmp_path / "b.zst", content)


@pytest.mark.parametrize(
    "sizes",
    [[0], [5], [0, 0], [5, 7, 0], [BLOCK], [BLOCK - 21, 3], [BLOCK - 20, 3], [BLOCK - 19, BLOCK - 18, 2 * BLOCK, 9]],
)
def test_several_binary_files_are_read_as_one(tmp_path, sizes):
    bodies = [os.urandom(size) for size in sizes]
    files = [tmp_path / f"{number}.copy.zst" for number in range(len(sizes))]
    for file, body in zip(files, bodies, strict=True):
        stored(file, HEADER + body + TRAILER)

    assert b"".join(read(files, is_binary=True)) == HEADER + b"".join(bodies) + TRAILER


def test_several_text_files_are_read_one_after_another(tmp_path):
    files = [tmp_path / "0.copy", tmp_path / "1.copy"]
    for file in files:
        stored(file, f"row of {file.name}\n".encode(), level=0)

    assert b"".join(read(files, is_binary=False)) == b"row of 0.copy\nrow of 1.copy\n"


@pytest.mark.parametrize(("text", "level"), [("none", 0), ("zstd", 1), ("zstd:1", 1), ("zstd:22", 22)])
def test_a_way_to_compress_is_read(text, level):
    assert Compression.from_text(text) == Compression(level)


@pytest.mark.parametrize(
    "text", ["", "1", "gzip:1", "zstd:", "zstd:0", "zstd:-1", "zstd:23", "zstd:x", "none:1", "lz4"]
)
def test_any_other_is_refused_in_words(text):
    with pytest.raises(SettingInvalid) as refused:
        Compression.from_text(text)

    assert f"[dump] compress = {text}" in refused.value.message
