"""What the files for containers say, read as docker and compose read them, and their commands run without either."""

import os
import re
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.conftest import DATA, PROJECT

Json = dict[str, Any]

_VARIABLE = re.compile(r"\$\{(\w+)(?:(:?)-([^{}]*))?\}")
_DOLLAR = "\0"


def interpolated(value: Any, variables: dict[str, str]) -> Any:
    """A value of the compose file with its variables filled in, from the innermost, and `$$` as `$`.

    `${NAME:-default}` is the default also where the variable is empty, `${NAME-default}` only where there is none.
    """
    if isinstance(value, dict):
        return {name: interpolated(one, variables) for name, one in value.items()}
    if isinstance(value, list):
        return [interpolated(one, variables) for one in value]
    if not isinstance(value, str):
        return value
    text, count = value.replace("$$", _DOLLAR), 1
    while count:
        text, count = _VARIABLE.subn(lambda found: _filled(found, variables), text)
    assert "$" not in text, f"compose would not understand {value!r}"
    return text.replace(_DOLLAR, "$")


def _filled(found: re.Match[str], variables: dict[str, str]) -> str:
    name, is_also_for_empty, default = found.groups()
    value = variables.get(name)
    return default or "" if value is None or (is_also_for_empty and not value) else value


def compose(**variables: str) -> Json:
    """The compose file, as it is for these variables."""
    content: Json = interpolated(yaml.safe_load((PROJECT / "docker-compose.yaml").read_text("utf-8")), variables)
    return content


def used_variables() -> set[str]:
    """Names of the variables that the compose file asks for."""
    return set(re.findall(r"(?<!\$)\$\{(\w+)", (PROJECT / "docker-compose.yaml").read_text("utf-8")))


def example() -> dict[str, str]:
    """What `.env.example` sets."""
    lines = (PROJECT / ".env.example").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, without comments, on one line each."""
    lines = [line for line in (PROJECT / "Dockerfile").read_text("utf-8").splitlines() if line.strip()]
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    found = [line.strip().split(maxsplit=1) for line in text.replace("\\\n", " ").splitlines()]
    return [(name, " ".join(arguments.split())) for name, arguments in found]


def arguments_of(name: str) -> list[str]:
    """The arguments of all instructions of one kind."""
    return [arguments for found, arguments in instructions() if found == name]


def free_port() -> int:
    """A port of the loopback address that nobody has now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass(frozen=True)
class Outside:
    """A folder that stands for a container's working directory, and a service's commands in it."""

    folder: Path
    service: Json

    @classmethod
    def of(cls, service: Json, folder: Path, *, luigid: str) -> "Outside":
        """Fill a folder with what the image has there; the models are the small ones, luigid is at that address."""
        for name in ("luigi.cfg", "logging.cfg"):
            shutil.copy(PROJECT / name, folder)
        settings = (PROJECT / "luigid.cfg").read_text("utf-8").replace("http://127.0.0.1:8082", luigid)
        (folder / "luigid.cfg").write_text(settings, encoding="utf-8")
        shutil.copytree(DATA / "small_dbt", folder / "dbt_models")
        return cls(folder, service)

    def words(self, command: list[str]) -> list[str]:
        """The command, with the program of this environment instead of the image's."""
        program, *arguments = command
        return [str(Path(sys.executable).with_name(program)), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {name: str(value) for name, value in self.service["environment"].items()}
