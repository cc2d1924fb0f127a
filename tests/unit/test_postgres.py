import pytest

from tasks.errors import SettingInvalid
from tasks.postgres import Database
from tasks.statements import quoted


def database(uri: str) -> Database:
    return Database.from_uri(uri, application_name="towpath 2026-11-23")


@pytest.fixture(autouse=True)
def _no_libpq_variables(monkeypatch):
    for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://reader:s3cret@db.example.com:5433/films",
        "postgres://reader:s3cret@db.example.com:5433/films?sslmode=require",
        "host=db.example.com port=5433 user=reader password=s3cret dbname=films",
        "host='db.example.com' port=5433 password='s3cret' dbname = films",
    ],
)
def test_a_database_is_told_in_words_without_its_password(uri):
    there = database(uri)

    assert str(there) == "films on db.example.com:5433"
    assert "s3cret" not in repr(there)
    assert there.libpq_environment()["PGPASSWORD"] == "s3cret"


def test_every_parameter_reaches_libpq_programs_under_its_own_variable():
    there = database(
        "postgresql://reader:p%40ss@localhost:5433/films?sslmode=verify-full&sslrootcert=ca.crt&channel_binding=require"
        "&target_session_attrs=read-write&connect_timeout=3&options=-c%20work_mem%3D8MB"
    )

    assert there.libpq_environment() == {
        "PGUSER": "reader",
        "PGPASSWORD": "p@ss",
        "PGHOST": "localhost",
        "PGPORT": "5433",
        "PGDATABASE": "films",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "ca.crt",
        "PGCHANNELBINDING": "require",
        "PGTARGETSESSIONATTRS": "read-write",
        "PGCONNECT_TIMEOUT": "3",
        "PGOPTIONS": "-c work_mem=8MB",
        "PGCLIENTENCODING": "UTF8",
        "PGAPPNAME": "towpath 2026-11-23",
    }


def test_a_connection_attempt_has_a_time_limit_unless_another_is_given():
    assert database("dbname=films").parameters["connect_timeout"] == "10"
    assert database("dbname=films connect_timeout=2").parameters["connect_timeout"] == "2"


def test_parameters_that_libpq_has_no_variable_for_are_not_made_up():
    there = database("dbname=films keepalives_idle=30 tcp_user_timeout=5000")

    assert there.libpq_environment().keys() == {"PGDATABASE", "PGCONNECT_TIMEOUT", "PGAPPNAME", "PGCLIENTENCODING"}
    assert there.parameters["keepalives_idle"] == "30"


def test_a_service_stands_for_what_its_file_says_now(monkeypatch, tmp_path):
    services = tmp_path / "services.conf"
    services.write_text("[warehouse]\nhost=db.example.com\ndbname=shop\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    monkeypatch.setenv("PGHOST", "not.this.one")
    before = database("service=warehouse").place

    services.write_text("[warehouse]\nhost=db.example.com\ndbname=other\n")
    there = database("service=warehouse")

    assert before == {"service": "warehouse", "host": "db.example.com", "dbname": "shop"}
    assert there.place == {"service": "warehouse", "host": "db.example.com", "dbname": "other"}
    assert str(there) == "other on db.example.com"
    assert there.libpq_environment()["PGSERVICE"] == "warehouse"


@pytest.mark.parametrize("uri", ["postgresql://u:se@cret@host/shop", "postgresql://u:se/cret@host/shop"])
def test_a_password_that_spills_out_of_its_place_is_not_shown(uri):
    with pytest.raises(SettingInvalid) as raised:
        database(uri)

    assert "cret" not in str(raised.value)


def test_what_the_environment_says_is_part_of_the_place(monkeypatch):
    monkeypatch.setenv("PGHOST", "db.example.com")
    monkeypatch.setenv("PGPASSWORD", "s3cret")

    there = database("dbname=films")

    assert there.place == {"host": "db.example.com", "dbname": "films"}
    assert str(there) == "films on db.example.com"


def test_user_and_password_do_not_tell_one_database_from_another():
    assert database("postgresql://a:1@host/films").place == database("postgresql://b:2@host/films").place


@pytest.mark.parametrize("uri", ["postgresql://u:s3cret@[::1/films", "password=s3cret nonsense", "hots=s3cret"])
def test_a_string_that_cannot_be_read_is_refused_and_not_shown(uri):
    with pytest.raises(SettingInvalid) as refused:
        database(uri)

    assert "s3cret" not in str(refused.value)


def test_another_database_of_the_same_server_keeps_all_but_the_name():
    there = database("postgresql://reader:s3cret@localhost:5433/films")

    assert there.named("postgres").parameters == {**there.parameters, "dbname": "postgres"}


def test_a_name_is_quoted_whatever_is_in_it():
    assert quoted('it\'s "ours"') == '"it\'s ""ours"""'
