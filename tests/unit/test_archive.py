from pathlib import Path

import pytest

from tasks import contents
from tasks.contents import Entry
from tasks.errors import CommandFailed, ToolMissing
from tasks.tools import Tool, choose_tools


def install(folder: Path, version: str, programs: tuple[str, ...] = ("pg_dump", "pg_restore", "psql")) -> Path:
    """Programs that say what real ones say of their version."""
    folder.mkdir(parents=True)
    for name in programs:
        (folder / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Versions 74, 76, 75 and 78 in PATH, 77 in the wheel: all newer than those that a machine has by itself."""
    path = [install(tmp_path / m, f"{m}.4 (Debian {m}.4-1.pgdg12+1)") for m in ("74", "76", "75", "78")]
    monkeypatch.setenv("PATH", ":".join([*map(str, path), "/usr/bin", "/bin"]))
    install(tmp_path / "wheel", "77.2")
    return tmp_path


def chosen(folders: Path, *, source: int, destination: int, folder: str = "") -> tuple[str, str]:
    tools = choose_tools(folder, folders / "wheel", source_major=source, destination_major=destination)
    return tools.pg_dump.path.parent.name, tools.pg_restore.path.parent.name


@pytest.mark.parametrize(
    ("source", "destination", "pair"),
    [
        (75, 75, ("75", "75")),
        (75, 78, ("75", "78")),
        (76, 74, ("76", "76")),
        (77, 77, ("wheel", "wheel")),
        (74, 77, ("74", "74")),
        (73, 73, ("74", "74")),
        (77, 99, ("wheel", "78")),
    ],
    ids=[
        "both have their own",
        "pg_restore of the destination's own",
        "pg_restore is never older than pg_dump",
        "the wheel's",
        "the wheel's is not taken where another will do, be it older than the destination",
        "the next newer where there is no own",
        "the wheel's is not taken where another will do, be it newer than pg_dump",
    ],
)
def test_each_side_gets_its_own_version_where_that_will_do(folders, source, destination, pair):
    assert chosen(folders, source=source, destination=destination) == pair


def test_a_program_that_does_not_run_is_passed_over_and_named(folders, caplog):
    broken = folders / "75" / "pg_dump"
    broken.write_text("#!/bin/sh\necho 'Error: PostgreSQL version 75 is not installed' >&2\nexit 1\n")
    caplog.set_level("DEBUG")

    pair = chosen(folders, source=75, destination=75)

    assert pair == ("76", "76")
    assert f"{broken} is passed over: pg_dump ended with status 1: Error: PostgreSQL version 75" in caplog.text


def test_a_folder_that_path_names_twice_is_searched_once_under_its_first_name(folders, monkeypatch, caplog):
    (folders / "bin").symlink_to(folders / "78")
    (folders / "loop").symlink_to(folders / "loop")
    monkeypatch.setenv("PATH", f"{folders / 'loop'}:{folders / 'bin'}:{folders / '76'}:{folders / '78'}")
    caplog.set_level("DEBUG")

    tools = choose_tools("", None, source_major=78, destination_major=78)

    assert tools.pg_dump.path == folders / "bin" / "pg_dump"
    assert f"running {folders / '76' / 'pg_dump'}" in caplog.text
    assert f"running {folders / '78' / 'pg_dump'}" not in caplog.text


def test_there_may_be_no_wheel(folders):
    tools = choose_tools("", None, source_major=77, destination_major=77)

    assert tools.pg_dump.path.parent.name == "78"


def test_the_whole_version_is_known(folders):
    tools = choose_tools("", folders / "wheel", source_major=75, destination_major=75)

    assert tools.pg_dump == Tool(path=folders / "75" / "pg_dump", major=75, version="75.4")


def test_a_folder_that_is_named_is_the_only_one_searched(folders):
    assert chosen(folders, source=75, destination=75, folder=str(folders / "78")) == ("78", "78")


@pytest.mark.parametrize("version", ["76beta1", "76rc2", "76devel", "76.0"])
def test_a_version_is_read_however_it_is_written(tmp_path, version):
    folder = install(tmp_path / "new", version)

    tools = choose_tools(str(folder), tmp_path, source_major=76, destination_major=76)

    assert (tools.pg_dump.major, tools.pg_dump.version) == (76, version)


@pytest.mark.parametrize(("folder", "major"), [("74", 75), ("empty", 75)])
def test_which_version_is_missing_and_where_it_was_sought_is_told(folders, folder, major):
    with pytest.raises(ToolMissing) as missing:
        choose_tools(str(folders / folder), folders / "wheel", source_major=major, destination_major=major)

    assert f"pg_dump {major} or newer" in missing.value.message
    assert str(folders / folder) in missing.value.message
    assert str(folders / "wheel") not in missing.value.message


def test_a_pg_restore_that_cannot_read_the_dump_is_told(tmp_path):
    folder = install(tmp_path / "half", "76.1", ("pg_dump",))

    with pytest.raises(ToolMissing, match="pg_restore 76 or newer"):
        choose_tools(str(folder), tmp_path, source_major=75, destination_major=75)


def test_what_is_not_an_archive_cannot_be_listed_and_leaves_no_litter(tools, tmp_path):
    file = tmp_path / "dump"
    file.write_text("not an archive")

    with pytest.raises(CommandFailed):
        contents.entries(tools.pg_restore, file, timeout_seconds=10)

    assert list(tmp_path.iterdir()) == [file]


def parsed(text: str) -> list[Entry]:
    """Lines as `pg_restore --list` writes them: number; classid oid title."""
    contents = []
    for line in filter(None, text.splitlines()):
        classid, oid, title = line.partition("; ")[2].split(" ", 2)
        contents.append(Entry(line, int(classid), int(oid), title))
    return contents


RESTORED = """
3600; 1247 16500 TYPE Sales status postgres
3601; 0 0 COMMENT Sales TYPE status postgres
252; 1255 16520 FUNCTION Sales slug(text) postgres
1010; 1255 16530 PROCEDURE Sales Raise prices(numeric, integer) postgres
900; 1255 16531 AGGREGATE public rows_seen(*) postgres
1790; 2617 16525 OPERATOR public =~= postgres
2224; 3600 16560 TEXT SEARCH DICTIONARY public plain_words postgres
300; 1259 16600 TABLE Sales Article postgres
3700; 0 0 COMMENT Sales TABLE "Article" postgres
3701; 0 0 COMMENT Sales COLUMN "Article"."Id" postgres
301; 1259 16610 SEQUENCE Sales Article_Id_seq postgres
3720; 0 0 SEQUENCE OWNED BY public counted_owned postgres
3400; 2604 16650 DEFAULT public counted owned postgres
3410; 2606 16700 CONSTRAINT Sales Article Article_pkey postgres
3420; 1259 16710 INDEX Sales Article slug postgres
3421; 0 0 INDEX ATTACH Sales Orders 2023_amount_idx postgres
3500; 2620 16720 TRIGGER public watched refuse_all postgres
3501; 2618 16721 RULE public watched_log keep_log postgres
3510; 2606 16730 FK CONSTRAINT Sales invoice invoice_fkey postgres
310; 1259 16740 VIEW public article_names postgres
311; 1259 16741 MATERIALIZED VIEW public Sums postgres
3300; 3381 16750 STATISTICS Sales Article statistics postgres
305; 1259 16760 TABLE ATTACH Sales Orders 2023 postgres
3301; 3381 16790 STATISTICS DATA in a schema called DATA postgres
"""

LEFT_OUT = """
4100; 3466 16800 EVENT TRIGGER - after_command postgres
3100; 2605 16801 CAST - CAST ("Sales"."Address" AS text)
4101; 6104 16802 PUBLICATION - All articles postgres
4102; 6106 16803 PUBLICATION TABLE Sales All articles Article postgres
4103; 6237 16813 PUBLICATION TABLES IN SCHEMA Sales All articles Sales postgres
4104; 6100 16804 SUBSCRIPTION - feed postgres
3101; 2328 16805 FOREIGN DATA WRAPPER - dummy postgres
3102; 1417 16806 SERVER - Far away postgres
3103; 1418 16807 USER MAPPING - USER MAPPING public SERVER Far away postgres
302; 1259 16808 FOREIGN TABLE Sales far_away postgres
3104; 2612 16809 PROCEDURAL LANGUAGE - plsomething postgres
4105; 3256 16810 POLICY public secret own rows; 100% postgres
4106; 0 16601 ROW SECURITY public secret postgres
3105; 0 0 ACL Sales TABLE "Article" postgres
3106; 0 0 ACL - SCHEMA "Sales" postgres
3107; 826 16811 DEFAULT ACL Sales DEFAULT PRIVILEGES FOR TABLES postgres
3108; 2613 16812 BLOB METADATA - 16812 postgres
3109; 0 0 BLOBS - BLOBS
3110; 0 0 COMMENT public POLICY secret "own rows; 100%" postgres
3111; 0 0 COMMENT - SCHEMA "Sales" postgres
"""

# They are there before pg_restore begins.
MADE_BEFOREHAND = """
6; 2615 16400 SCHEMA - Sales postgres
2; 3079 16401 EXTENSION - citext
3200; 0 0 COMMENT - EXTENSION citext
"""

ALL = parsed(RESTORED + LEFT_OUT + MADE_BEFOREHAND)


@pytest.mark.parametrize("entry", parsed(RESTORED), ids=lambda entry: entry.title)
def test_what_lives_in_schemas_is_restored(entry):
    assert entry in contents.restored(ALL)
    assert entry.title not in contents.left_out(ALL)


@pytest.mark.parametrize("entry", parsed(LEFT_OUT), ids=lambda entry: entry.title)
def test_what_belongs_to_the_whole_database_is_not_restored_and_is_named(entry):
    assert entry not in contents.restored(ALL)
    assert entry.title in contents.left_out(ALL)


@pytest.mark.parametrize("entry", parsed(MADE_BEFOREHAND), ids=lambda entry: entry.title)
def test_what_is_made_beforehand_is_neither_restored_nor_missed(entry):
    assert entry not in contents.restored(ALL)
    assert entry.title not in contents.left_out(ALL)


def test_a_line_is_handed_back_as_pg_restore_wrote_it():
    lines = [entry.line for entry in contents.restored(ALL)]

    assert lines == RESTORED.strip().splitlines()
