"""What can happen to a dump between being written and being loaded: nothing of it reaches the landing.

What is lost or altered is in tests/acceptance/test_checkpoints_are_true.py too, for a dump that is compressed.
"""

import shutil

import pytest

from tests.worlds import World, ask, contents, run_to_the_end

FIRST, SECOND = ("RestoreDestination", "--run-id=first"), ("RestoreDestination", "--run-id=second")
PLAIN = "--dump-compress=none"


@pytest.fixture
def dumped(published):
    """The published world, and the dump of a second run, as text: a line is a row, and nothing has a checksum."""
    # Both have the same number of bytes, and of rows.
    ask(published.source, "create table public.left_hand as select 'left ' || i as word from generate_series(1, 9) i")
    ask(published.source, "create table public.right_hand as select 'right' || i as word from generate_series(1, 9) i")
    done = published.run("DumpSource", "--run-id=second", PLAIN)
    assert done.returncode == 0, done.stderr
    return published


def landed(world):
    """What is in the landing."""
    return {name: rows for name, rows in contents(world.destination).items() if name.startswith("public.")}


def file_with(folder, text):
    return next(path for path in folder.glob("rows/*.copy") if text in path.read_bytes())


def cut_at_a_line(folder):
    films = file_with(folder, b"Inception")
    films.write_bytes(b"".join(films.read_bytes().splitlines(keepends=True)[:-3]))


def without_toc(folder):
    (folder / "definitions.pgdump").unlink()


@pytest.mark.parametrize("damage", [cut_at_a_line, without_toc])
def test_a_dump_of_another_size_is_dumped_anew_and_all_its_rows_land(dumped, damage):
    before = dumped.times("second")
    damage(dumped.folder("second").dump)

    done = dumped.run(*SECOND, PLAIN)

    assert done.returncode == 0, done.stderr
    assert dumped.times("second")["dump"] != before["dump"]
    assert landed(dumped) == contents(dumped.source)


def with_a_bit_changed(folder):
    films = file_with(folder, b"Inception")
    films.write_bytes(films.read_bytes().replace(b"Inception", b"Inceptioo"))


def swapped(folder):
    left, right = file_with(folder, b"left 1"), file_with(folder, b"right1")
    words = left.read_bytes(), right.read_bytes()
    right.write_bytes(words[0])
    left.write_bytes(words[1])


def with_the_files_of_another_day(folder):
    films = file_with(folder, b"Inception")
    films.write_bytes(films.read_bytes().replace(b"Inception", b"Yesterday"))
    toc = (folder / "definitions.pgdump").read_bytes()
    (folder / "definitions.pgdump").write_bytes(toc[:20] + bytes([toc[20] ^ 1]) + toc[21:])


@pytest.mark.parametrize("damage", [with_a_bit_changed, swapped, with_the_files_of_another_day])
def test_a_dump_with_other_bytes_of_the_same_size_is_refused_by_name_and_dumped_anew_when_it_is_gone(dumped, damage):
    before, folder = contents(dumped.destination), dumped.folder("second").dump
    damage(folder)

    failed = dumped.run(*SECOND, PLAIN)
    after = contents(dumped.destination)
    shutil.rmtree(folder)
    mended = dumped.run(*SECOND, PLAIN)

    assert failed.returncode == 18
    assert f"{folder} is not what was dumped: " in failed.stderr
    assert "the destination was not touched" in failed.stderr
    assert f"delete {folder} and run again" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
    assert landed(dumped) == contents(dumped.source)


def test_the_folder_of_another_days_dump_under_this_days_checkpoint_is_not_loaded(dumped):
    shutil.rmtree(dumped.folder("second").dump)
    shutil.copytree(dumped.folder("first").dump, dumped.folder("second").dump)

    done = dumped.run(*SECOND, PLAIN)

    assert done.returncode == 0, done.stderr
    assert "public.left_hand" in landed(dumped)
    assert landed(dumped) == contents(dumped.source)


def put_in_place_of(world, run_id, other):
    """Give a run another one's dump with its checkpoint: whole, true, and not its own."""
    shutil.rmtree(world.folder(run_id).dump)
    shutil.copytree(other.dump, world.folder(run_id).dump)
    shutil.copy(other.checkpoint("dump").path, world.folder(run_id).checkpoint("dump").path)


def test_another_days_whole_dump_is_told_by_its_time_and_not_loaded_over_a_newer_one(dumped):
    restored = dumped.run("PublishModels", "--run-id=second", PLAIN)
    before = contents(dumped.destination)
    put_in_place_of(dumped, "second", dumped.folder("first"))

    failed = dumped.run("PublishModels", "--run-id=second", PLAIN)
    after = contents(dumped.destination)
    shutil.rmtree(dumped.folder("second").dump)
    mended = dumped.run("RestoreDestination", "--run-id=second", PLAIN)

    assert restored.returncode == 0, restored.stderr
    assert failed.returncode == 24
    assert dumped.checkpoint("first", "dump")["snapshot_at"] in failed.stderr
    assert "nothing was changed" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
    assert landed(dumped) == contents(dumped.source)


def test_another_sources_whole_dump_is_not_taken_for_this_ones(dumped, sources, tmp_path):
    other = World(sources.create("other_shop"), dumped.destination, tmp_path / "other", dumped.project)
    ask(other.source, "create table public.films as select 'elsewhere' as title")
    elsewhere = other.run("DumpSource", "--run-id=second")
    sources.drop("other_shop")
    put_in_place_of(dumped, "second", other.folder("second"))

    done = dumped.run(*SECOND, PLAIN)

    assert elsewhere.returncode == 0, elsewhere.stderr
    assert done.returncode == 0, done.stderr
    assert landed(dumped) == contents(dumped.source)


@pytest.mark.parametrize("name", ["dump.json", "restore.json"])
def test_a_folder_in_a_markers_place_is_named_and_the_run_goes_on_when_it_is_gone(published, name):
    shown = ask(published.destination, "select * from analytics.ratings order by film_id")
    marker = published.folder("second").path / name
    marker.mkdir(parents=True)

    failed = published.run(*SECOND)
    after = ask(published.destination, "select * from analytics.ratings order by film_id")
    marker.rmdir()
    mended = published.run(*SECOND)

    assert failed.returncode == 19
    assert f"{marker.parent} cannot be written: Is a directory: " in failed.stderr
    assert str(marker) in failed.stderr
    assert "move away what is in the way" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == shown
    assert mended.returncode == 0, mended.stderr
    assert published.litter() == []


def test_a_dump_folder_that_cannot_be_replaced_is_named_and_the_run_goes_on(dumped, small_disk):
    before, disk = contents(dumped.destination), small_disk("size=20m")
    folder = dumped.folder("second").dump
    disk.run("mount", "--bind", str(disk.path), str(folder))
    command = dumped.command(*SECOND)

    failed = run_to_the_end(disk.inside(*command))
    after = contents(dumped.destination)
    disk.run("umount", str(folder))
    mended = run_to_the_end(disk.inside(*command))

    assert failed.returncode == 19
    assert f"cannot be written: Device or resource busy: {folder}" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert dumped.litter() == []
    assert mended.returncode == 0, mended.stderr


@pytest.mark.parametrize("content", [b"\xff\xfe{}", b'{"format": 1, "finger', b""])
@pytest.mark.parametrize("marker", ["restore"])
def test_a_marker_that_cannot_be_read_is_ignored_and_written_anew(published, marker, content):
    path, rows = published.folder("first").checkpoint(marker).path, contents(published.destination)
    path.write_bytes(content)

    done = published.run(*FIRST)

    assert done.returncode == 0, done.stderr
    assert f"{path} is not a checkpoint and is ignored" in done.stderr
    assert "Traceback" not in done.stderr
    assert published.checkpoint("first", marker)["load_id"] == 2
    assert landed(published) == {name: found for name, found in rows.items() if name.startswith("public.")}
