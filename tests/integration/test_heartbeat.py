import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from tasks import commands
from tasks.errors import DatabaseUnreachable
from tasks.heartbeat import Limits
from tasks.postgres import connect
from tests.outages import frozen, full
from tests.worlds import ask, wait_until

# Asked every half a second.
IMPATIENT = Limits(hang_seconds=2, statement_seconds=60)
SLEEPING = "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'"


@pytest.fixture
def database(destination):
    return replace(destination, limits=IMPATIENT)


def test_a_statement_in_a_server_that_hangs_is_broken_off(database):
    with connect(database) as session, frozen(database):
        started = time.monotonic()

        with pytest.raises(DatabaseUnreachable, match=r"has not answered for \d s: it hangs"):
            session.value("select 1")

    assert 2 <= time.monotonic() - started < 6


def test_a_connection_to_a_server_that_hangs_is_given_up_after_its_own_time(database):
    hanging = replace(database, parameters={**database.parameters, "connect_timeout": "1"})
    with frozen(database):
        started = time.monotonic()

        with pytest.raises(DatabaseUnreachable, match="does not answer: timeout"):
            ask(hanging, "select 1")

    assert 1 <= time.monotonic() - started < 4


def test_no_time_limit_for_connecting_does_not_mean_for_ever(database):
    hanging = replace(database, parameters={**database.parameters, "connect_timeout": "0"})

    with frozen(database), pytest.raises(DatabaseUnreachable, match="timeout of 2 s"):
        ask(hanging, "select 1")


def test_a_program_that_works_with_a_server_that_hangs_is_ended(database):
    with connect(database) as session:
        listen = session.heartbeat().listen
    started = time.monotonic()

    with frozen(database), pytest.raises(DatabaseUnreachable, match="it hangs"):
        commands.run(["sleep", "60"], timeout_seconds=60, listen=listen)

    assert 2 <= time.monotonic() - started < 8


def test_a_program_works_with_the_host_that_answered_and_not_with_a_silent_one_before_it(database):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        places = {
            "host": f"127.0.0.1,{database.parameters['host']}",
            "port": f"{silent.getsockname()[1]},5432",
            "connect_timeout": "1",
        }
        of_two = replace(database, parameters={**database.parameters, **places})

        with connect(of_two) as session:
            said = commands.run(["sleep", "4"], timeout_seconds=60, listen=session.heartbeat().listen)

    assert said == []


def test_a_server_that_answers_may_take_its_time(database):
    with connect(database) as session:
        assert session.all("select pg_sleep(3)")


def test_a_server_that_has_no_connection_left_has_answered(database):
    with connect(database) as session, full(database):
        assert session.all("select pg_sleep(3)")


def test_a_statement_that_takes_too_long_is_broken_off_though_its_server_answers(destination):
    with (
        connect(replace(destination, limits=Limits(statement_seconds=1))) as session,
        pytest.raises(DatabaseUnreachable, match="did not end within 1 s"),
    ):
        session.run("select pg_sleep(60)")

    wait_until(lambda: ask(destination, SLEEPING) == [(0,)], seconds=10)


def test_another_thread_can_end_a_statement_and_the_server_notices(destination):
    with connect(destination) as session:
        timer = threading.Timer(0.5, session.give_up)
        timer.start()
        with pytest.raises(DatabaseUnreachable, match="was given up"):
            session.run("select pg_sleep(60)")

    wait_until(lambda: ask(destination, SLEEPING) == [(0,)], seconds=10)


def test_ctrl_c_ends_a_statement_at_once(destination):
    started = time.monotonic()

    with connect(destination) as session:
        threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt):
            session.run("select pg_sleep(60)")

    assert time.monotonic() - started < 5


def test_threads_use_a_session_in_turn(destination):
    with connect(destination) as session, ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(session.value, f"select {n} from pg_catalog.pg_sleep(0.05)") for n in range(12)]

        assert [each.result() for each in asked] == list(range(12))


def test_of_several_hosts_the_first_that_answers_is_taken(destination):
    """libpq goes on from a host that refuses; that it goes on from a silent one as well is our doing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent, closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        names = {
            "host": f"127.0.0.1,127.0.0.1,{destination.parameters['host']}",
            "port": f"{nobody.getsockname()[1]},{silent.getsockname()[1]},5432",
            "connect_timeout": "1",
        }

        found = ask(replace(destination, parameters={**destination.parameters, **names}), "select 1")

    assert found == [(1,)]
