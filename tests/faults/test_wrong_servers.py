"""A destination that is the source, that may not be written, or that objects; and a source that is a standby."""

import socket

import pytest

from tests.conftest import PROJECT, run_sql_file, uri_of
from tests.worlds import Clones, World, ask, contents, run_to_the_end, wait_until

FIRST, SECOND = ("RestoreDestination", "--run-id=first"), ("RestoreDestination", "--run-id=second")


@pytest.fixture
def primary(serve):
    """A server of its own that listens on TCP too, with the sample in `shop`."""
    server = serve()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server.port = port
    server.start(listen_addresses="127.0.0.1")
    run_sql_file(Clones(server.uri("postgres")).create("shop"), PROJECT / "source_db_init" / "init.sql")
    return server


def pointed_at(world, source, destination):
    """The command for the first run with other connection strings in it."""
    words = [word for word in world.command(*FIRST) if not word.startswith(("--source-uri=", "--destination-uri="))]
    return [*words, f"--source-uri={source}", f"--destination-uri={destination}"]


def test_one_database_under_two_spellings_is_refused_and_another_on_the_same_server_is_not(world, primary):
    shop = primary.database("shop")
    before, port = contents(shop), primary.port
    spellings = [
        f"postgresql://postgres@localhost:{port}/shop",
        f"host=127.0.0.1 port={port} user=postgres dbname=shop",
        f"postgresql://postgres@/shop?host={primary.folder}&port={port}",
    ]

    refused = [run_to_the_end(pointed_at(world, uri_of(shop), spelling)) for spelling in spellings]
    # The port in the environment of one of them only: it is the other's too.
    without_port = f"host={primary.folder} user=postgres dbname=shop"
    refused.append(run_to_the_end(pointed_at(world, spellings[0], without_port), PGPORT=str(port)))
    after = contents(shop)
    Clones(primary.uri("postgres")).create("copy")
    mended = run_to_the_end(pointed_at(world, spellings[0], spellings[1].replace("dbname=shop", "dbname=copy")))

    for failed in refused:
        assert failed.returncode == 25, failed.stderr
        assert "is the source itself" in failed.stderr
        assert "nothing was changed" in failed.stderr
        assert "give another --destination-uri" in failed.stderr
        assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
    assert contents(primary.database("copy")) == before


@pytest.mark.parametrize("of", ["database warehouse", "role postgres in database warehouse"])
def test_a_destination_that_is_set_read_only_is_told_and_the_run_goes_on_when_it_is_not(published, destinations, of):
    before = contents(published.destination)
    ask(destinations.server, f"alter {of} set default_transaction_read_only = on")

    failed = published.run(*SECOND)
    after = contents(published.destination)
    ask(destinations.server, f"alter {of} reset default_transaction_read_only")
    mended = published.run(*SECOND)

    assert failed.returncode == 25
    assert "warehouse on " in failed.stderr
    assert "default_transaction_read_only is on" in failed.stderr
    assert "nothing was changed" in failed.stderr
    assert "reset default_transaction_read_only" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr


@pytest.fixture
def standby(primary, serve):
    """A standby of it, which lets nobody's query hold up what the primary sends."""
    copy = serve(copy_of=primary)
    copy.port = primary.port + 1 if primary.port < 65535 else primary.port - 1
    copy.start(max_standby_streaming_delay="0")
    return copy


def caught_up(primary, standby):
    end = ask(primary.database("shop"), "select pg_current_wal_lsn()::text")[0][0]
    behind = "select pg_last_wal_replay_lsn() < %s::pg_lsn"
    wait_until(lambda: ask(standby.database("shop"), behind, [end]) == [(False,)])


def test_a_destination_that_is_a_standby_is_refused_and_its_primary_is_not(world, primary, standby):
    Clones(primary.uri("postgres")).create("warehouse")
    caught_up(primary, standby)

    failed = World(world.source, standby.database("warehouse"), world.artifacts, world.project).run(*FIRST)
    mended = World(world.source, primary.database("warehouse"), world.artifacts, world.project).run(*FIRST)

    assert failed.returncode == 25
    assert "is a standby" in failed.stderr
    assert "nothing was changed" in failed.stderr
    assert "give the primary" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert mended.returncode == 0, mended.stderr
    assert contents(primary.database("warehouse")) == contents(world.source)


def test_a_standby_is_a_source_like_any_other_until_the_primary_takes_back_what_it_reads(
    world, primary, standby, start
):
    shop, reading = primary.database("shop"), "select 1 from pg_stat_activity where query ilike 'copy %bulk%'"
    copy = World(standby.database("shop"), world.destination, world.artifacts, world.project)
    caught_up(primary, standby)

    first = copy.run(*FIRST)
    landed, expected = contents(world.destination), contents(shop)
    ask(shop, "create table public.bulk as select md5(i::text) as noise from generate_series(1, 3000000) as i")
    caught_up(primary, standby)
    job = start(copy.command(*SECOND))
    wait_until(lambda: ask(standby.database("shop"), reading))
    ask(shop, "alter table public.bulk add column extra integer")
    code = job.wait()
    litter, unharmed = world.litter(), contents(world.destination)
    caught_up(primary, standby)
    mended = copy.run(*SECOND)

    assert first.returncode == 0, first.stderr
    assert copy.checkpoint("first", "dump")["lsn"] > "0/0"
    assert landed == expected
    assert code in (11, 17), job.said
    assert "conflict with recovery" in job.said
    assert "shop on " in job.said
    assert "Traceback" not in job.said
    assert litter == []
    assert unharmed == landed
    assert mended.returncode == 0, mended.stderr
    assert ask(world.destination, "select count(*), count(extra) from public.bulk") == [(3000000, 0)]


OBJECTION = """
create function public.object() returns event_trigger language plpgsql as
    $$ begin raise exception 'no changes before Monday, says Ann'; end $$;
create event trigger objection on ddl_command_start when tag in ({tags}) execute function public.object();
"""


@pytest.mark.parametrize(
    ("tags", "code", "state"),
    [
        ("'CREATE SCHEMA', 'CREATE TABLE'", 25, "nothing was changed"),
        ("'ALTER TABLE'", 25, "nothing was changed"),
        ("'CREATE FUNCTION'", 22, "put back as it was, readers see what they saw"),
    ],
)
def test_an_event_trigger_that_raises_is_told_in_its_own_words_and_changes_nothing(published, tags, code, state):
    ask(published.source, "create function public.one() returns integer language sql as 'select 1'")
    ask(published.destination, OBJECTION.format(tags=tags))
    before = contents(published.destination)

    failed = published.run(*SECOND)
    after = contents(published.destination)
    ask(published.destination, "drop event trigger objection")
    mended = published.run(*SECOND)

    assert failed.returncode == code
    assert "no changes before Monday, says Ann" in failed.stderr
    assert state in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
