from tasks import dump, landing, ledger
from tasks.checkpoints import RunFolder
from tasks.dump import DumpOptions
from tasks.landing import RestoreOptions

OPTIONS = RestoreOptions(jobs=2, timeout_seconds=60, readers_timeout_seconds=5, allow_older=False, verify="counts")


def ignore(percentage, text):
    """Nobody watches."""


def dumped(source, folder, tools):
    return dump.dump_database(source, RunFolder(folder), tools, DumpOptions(), listener=ignore)


def restored(manifest, folder, destination, tools):
    path = RunFolder(folder).dump
    return landing.restore(manifest, path, destination, tools.pg_restore, OPTIONS, run="test", listener=ignore)


def test_every_table_arrives_with_its_rows(films, destination, tools, tmp_path, query):
    load = restored(dumped(films, tmp_path, tools), tmp_path, destination, tools)

    assert (load.tables, load.rows) == (5, 191)
    assert query(destination, "select count(*) from public.films") == [(20,)]
    assert ledger.holding_of(destination).has_landed(load.load_id)
