"""A password is in no output, no file, no ledger, no process list and on no page of luigid, however a run goes."""

import json
import string
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tasks.postgres import connect
from tests.conftest import PROJECT
from tests.luigid import Luigid
from tests.worlds import Completed, World, ask, run_to_the_end, url_of

# Letters and digits look the same however the rest is quoted, so to look for these is to look for every spelling.
HEAD, TAIL, WRONG = "Aq9XheadOfIt", "Kw7ZtailOfIt", "Jv3YwrongOne"
WHOLE = f"{HEAD}{string.printable}üñ☃漢{TAIL}"
# A line of ~/.pgpass has no line breaks.
IN_ONE_LINE = "".join(letter for letter in WHOLE if letter not in "\r\n\x0b\x0c")
BROKEN_MODEL = "select no_such_column from public.films"


@dataclass
class Traces:
    """What runs have left behind, and which commands were seen in the process list meanwhile."""

    runs: list[Completed] = field(default_factory=list)
    commands: set[bytes] = field(default_factory=set)
    pages: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    ledger: str = ""

    def telling(self, secret: str) -> list[str]:
        """Name the places that hold a secret."""
        sought = secret.encode()
        places = {f"output of run {i}": (run.stdout + run.stderr).encode() for i, run in enumerate(self.runs)}
        places |= {f"command {command[:60]!r}": command for command in self.commands}
        places |= self.pages | self.files | {"the ledger": self.ledger.encode()}
        return [place for place, content in places.items() if sought in content]


@contextmanager
def watched(commands: set[bytes]) -> Iterator[None]:
    """Note the command line of every process of the machine, many times a second, for the length of a block."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.01):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                # It may have ended meanwhile.
                with suppress(OSError):
                    commands.add(path.read_bytes())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        is_over.set()
        watching.join()


@pytest.fixture(scope="module")
def keepers(servers, sources, destinations) -> Iterator[dict[str, str]]:
    """Superusers of both servers by password, who are let in with it only."""
    roles = {WHOLE: "keeper_of_all", IN_ONE_LINE: "keeper_of_a_line"}
    for server in (sources.server, destinations.server):
        with connect(server) as session:
            rules = Path(session.value("show hba_file"))
            before = rules.read_text(encoding="utf-8")
            for password, name in roles.items():
                session.run(f"create role {name} superuser login password %s", [password])
            lines = "".join(f"local all {name} scram-sha-256\n" for name in roles.values())
            rules.write_text(lines + before, encoding="utf-8")
            session.run("select pg_reload_conf()")
    yield roles
    for server in (sources.server, destinations.server):
        ask(server, "; ".join(f"drop role {name}" for name in roles.values()))


def escaped(text: str) -> str:
    """As ~/.pgpass has it."""
    return text.replace("\\", "\\\\").replace(":", "\\:")


def pages_of(url: str) -> dict[str, bytes]:
    """What luigid shows: its page, and each answer that the page asks for."""
    found = {}
    asked = {"/static/visualiser/index.html": b""}
    for status in ("DONE", "FAILED", "PENDING", "RUNNING", "DISABLED", "UNKNOWN"):
        values = urllib.parse.urlencode({"data": json.dumps({"status": status, "upstream_status": ""})})
        asked[f"/api/task_list?{values}"] = b""
    for name in ("worker_list", "resource_list"):
        asked[f"/api/{name}?data=%7B%7D"] = b""
    for path in asked:
        with urllib.request.urlopen(url + path, timeout=10) as answer:  # noqa: S310  loopback
            found[path] = answer.read()
    tasks = [task for path, page in found.items() if "task_list" in path for task in json.loads(page)["response"]]
    for task in tasks:
        values = urllib.parse.urlencode({"data": json.dumps({"task_id": task})})
        for method in ("fetch_error", "dep_graph", "get_task_status_message"):
            with urllib.request.urlopen(f"{url}/api/{method}?{values}", timeout=10) as answer:  # noqa: S310
                found[f"{method} {task}"] = answer.read()
    return found


def all_that_can_happen(world: World, environment: dict[str, str], wrong: dict[str, str], traces: Traces) -> None:
    """A login that is refused, a pg_dump that fails, a model that is broken, and at last a good end, of one run."""
    words = [word for word in world.command("FullPipeline", "--run-id=x", "--dbt-docs=true") if "-uri=" not in word]
    debugging = world.artifacts.parent / "debug.cfg"
    text = (PROJECT / "logging.cfg").read_text(encoding="utf-8")
    debugging.write_text(text.replace("level = INFO", "level = DEBUG"), encoding="utf-8")
    with Luigid(world.artifacts.parent) as url, watched(traces.commands):
        command = [*words, f"--logging-conf-file={debugging}", f"--scheduler-url={url}"]
        environment |= {"LUIGI_CONFIG_PATH": str(PROJECT / "luigid.cfg")}
        traces.runs.append(run_to_the_end(command, **environment | wrong))
        traces.runs.append(run_to_the_end([*command, '--source-schemas=["nowhere"]'], **environment))
        (world.project / "models" / "broken.sql").write_text(BROKEN_MODEL, encoding="utf-8")
        traces.runs.append(run_to_the_end(command, **environment))
        traces.pages |= {f"failed: {name}": page for name, page in pages_of(url).items()}
        (world.project / "models" / "broken.sql").unlink()
        traces.runs.append(run_to_the_end(command, **environment))
        traces.pages |= pages_of(url)


@pytest.fixture(params=["in the URI", "in ~/.pgpass"])
def traces(request, world, keepers, tmp_path) -> Traces:
    """All that runs leave behind to which the password was given in one way or the other."""
    made, home = Traces(), tmp_path / "home"
    (home / "tmp").mkdir(parents=True)
    password = WHOLE if request.param == "in the URI" else IN_ONE_LINE
    quoted = ":" + urllib.parse.quote(password, safe="") if request.param == "in the URI" else ""
    uris = {
        "SOURCE_URI": url_of(world.source, keepers[password] + quoted, "").replace(":@", "@"),
        "DESTINATION_URI": url_of(world.destination, keepers[password] + quoted, "").replace(":@", "@"),
    }
    wrong = {"SOURCE_URI": url_of(world.source, keepers[password], WRONG + HEAD)}
    if request.param == "in ~/.pgpass":
        (home / ".pgpass").write_text(f"*:*:*:{keepers[password]}:{escaped(password)}\n", encoding="utf-8")
        (home / ".pgpass").chmod(0o600)
    all_that_can_happen(world, {**uris, "HOME": str(home), "TMPDIR": str(home / "tmp")}, wrong, made)
    (home / ".pgpass").unlink(missing_ok=True)
    made.files = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    tables = ("steps", "loads", "versions", "objects")
    made.ledger = str([ask(world.destination, f"select one::text from towpath.{name} as one") for name in tables])
    return made


def test_a_password_is_in_nothing_that_runs_leave_whether_they_fail_or_not(traces, world):
    """The runs in turn: login refused, pg_dump failed, model broken, published."""
    assert [run.returncode for run in traces.runs] == [12, 17, 27, 0], [run.stderr[-800:] for run in traces.runs]
    assert ask(world.destination, "select count(*) from analytics.ratings") == [(20,)]
    # It was looked for where something is to be seen.
    assert "running " in traces.runs[-1].stderr
    seen = b" ".join(traces.commands)
    assert all(program in seen for program in (b"pg_dump", b"pg_restore", b"dbt", b"luigi"))
    assert b"no_such_column" in b"".join(traces.pages.values())
    assert "no_such_column" in traces.ledger
    assert any(name.endswith("dbt.log") for name in traces.files)
    assert any(name.endswith("catalogue.html") for name in traces.files)
    assert any(name.endswith("luigid.pickle") for name in traces.files)

    for secret in (HEAD, TAIL, WRONG):
        assert traces.telling(secret) == []
