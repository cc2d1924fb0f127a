"""The disk of the artifacts is full, read-only, or has no room for one more file: told as such, and nothing is lost."""

import pytest

from tests.worlds import World, ask, contents, run_to_the_end

SECOND = "--run-id=second"


@pytest.fixture
def disk(small_disk):
    return small_disk("size=20m")


@pytest.fixture
def on_disk(published, disk):
    """The published world with its artifacts on the small disk."""
    disk.run("cp", "-r", str(published.artifacts), str(disk.path))
    return World(published.source, published.destination, disk.path / "artifacts", published.project)


def run(world, disk, *arguments):
    return run_to_the_end(disk.inside(*world.command(*arguments)))


def shown(world):
    """What readers of the models see."""
    return {name: rows for name, rows in contents(world.destination).items() if name.startswith("analytics.")}


def left_on(disk):
    """The files of the second run, but for what it saw when it looked first and what it tells of its failure."""
    told = [word for name in ("preflight.json", "report.*", "run.log") for word in ("!", "-name", name)]
    return disk.run("find", str(disk.path), "-path", "*/second/*", "-type", "f", *told)


def test_a_disk_that_fills_during_the_dump_is_told_and_left_without_litter(on_disk, disk):
    ask(on_disk.source, "create table public.bulk as select md5(i::text) as noise from generate_series(1, 20000) as i")
    before = contents(on_disk.destination)
    fill(disk, but_for="400k")

    failed = run(on_disk, disk, "RestoreDestination", SECOND)
    after, left = contents(on_disk.destination), left_on(disk)
    disk.run("rm", str(disk.path / "filler"))
    mended = run(on_disk, disk, "RestoreDestination", SECOND)

    assert failed.returncode == 19
    assert f"{on_disk.artifacts}/second cannot be written: no space is left on its disk" in failed.stderr
    assert "make room" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert left == ""
    assert mended.returncode == 0, mended.stderr
    assert ask(on_disk.destination, "select count(*) from public.bulk") == [(20000,)]


@pytest.mark.parametrize("task", ["RestoreDestination", "RunDbt"])
def test_a_disk_that_is_full_after_the_step_before_is_told_and_the_run_goes_on(on_disk, disk, task):
    earlier = {"RestoreDestination": "DumpSource", "RunDbt": "RestoreDestination"}[task]
    begun = run(on_disk, disk, earlier, SECOND)
    before = shown(on_disk)
    fill(disk)

    failed = run(on_disk, disk, task, SECOND)
    after = shown(on_disk)
    disk.run("rm", str(disk.path / "filler"))
    left = disk.run("find", str(on_disk.artifacts), "-name", ".*", "-o", "-name", "*unfinished*")
    mended = run(on_disk, disk, task, SECOND)

    assert begun.returncode == 0, begun.stderr
    assert failed.returncode == 19, failed.stderr
    assert "no space is left on its disk" in failed.stderr
    assert "Traceback" not in said(failed)
    assert "the landing is put back" not in failed.stderr
    assert after == before
    assert left == ""
    assert mended.returncode == 0, mended.stderr
    assert "INFO dumped" not in mended.stderr


def fill(disk, *, but_for="0"):
    """Leave so much and not a byte more."""
    filler = f"'{disk.path}/filler'"
    disk.run("sh", "-c", f"cat /dev/zero > {filler} 2> /dev/null || truncate --size=-{but_for} {filler}")


def said(failed):
    """What the job itself says, without dbt's own lines."""
    return "\n".join(line for line in failed.stderr.splitlines() if "INFO dbt:" not in line)


def test_a_disk_without_room_for_one_more_file_is_told(published, small_disk):
    disk = small_disk("nr_inodes=6")
    world = World(published.source, published.destination, disk.path / "artifacts", published.project)
    before = contents(world.destination)

    failed = run(world, disk, "RestoreDestination", SECOND)
    after, left = contents(world.destination), left_on(disk)
    disk.remount("nr_inodes=100")
    mended = run(world, disk, "RestoreDestination", SECOND)

    assert failed.returncode == 19
    assert "no space is left on its disk" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert left == ""
    assert mended.returncode == 0, mended.stderr


def test_a_read_only_disk_is_told_before_anything_is_touched_and_harms_no_finished_run(on_disk, disk):
    before = contents(on_disk.destination)
    disk.remount("ro")

    failed = run(on_disk, disk, "RestoreDestination", SECOND)
    idle = run(on_disk, disk, "FullPipeline", "--run-id=first")
    after = contents(on_disk.destination)
    disk.remount("rw")
    mended = run(on_disk, disk, "RestoreDestination", SECOND)

    assert failed.returncode == 19
    assert f"{on_disk.artifacts} cannot be written: it is on a read-only file system" in failed.stderr
    assert "INFO dumped" not in failed.stderr
    assert "Traceback" not in failed.stderr
    assert idle.returncode == 0, idle.stderr
    assert "nothing to do" in idle.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
