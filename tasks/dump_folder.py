"""The folder of a dump, and how it is loaded without Towpath: two more files in it, for whoever has to."""

from pathlib import Path

from tasks.checkpoints import Json
from tasks.manifest import Table
from tasks.remainder import MaterializedView, SequenceState
from tasks.statements import qualified, quoted

DEFINITIONS = "definitions.pgdump"
_SCRIPT, _README = "load.sql", "README"
_HOW = """\
A dump of {source}, as of {snapshot_at}, made by Towpath.

    definitions.pgdump  what pg_dump --schema-only --format=custom wrote
    rows/               the rows of each table, as COPY wrote them: .copy, compressed by zstd where it says .zst
    load.sql            a script for psql that loads them, sets the sequences and fills the materialized views

To load it by hand into an empty database (here "copy"), in this folder:

    pg_restore --no-owner --no-privileges --dbname=copy --section=pre-data definitions.pgdump
    psql --no-psqlrc --dbname=copy --file=load.sql
    pg_restore --no-owner --no-privileges --dbname=copy --section=post-data definitions.pgdump

Files that end with .zst take the program zstd. Extensions come with the first line where the server has them.
"""


def explain(directory: Path, content: Json) -> None:
    """Write the script that loads the dump in this folder by hand, and the lines that say how, from its manifest."""
    sequences: list[SequenceState] = content["sequences"]
    views: list[MaterializedView] = content["materialized"]
    lines = [
        r"\set ON_ERROR_STOP on",
        "set client_encoding = 'UTF8'; set datestyle = 'ISO'; set intervalstyle = 'postgres'; set lc_monetary = 'C';",
        *(_copy(table, file) for table in content["tables"] for file in table.files),
        *(_setval(state) for state in sequences),
        *(f"refresh materialized view {qualified(view.schema, view.name)};" for view in views),
        "analyze;",
    ]
    (directory / _SCRIPT).write_text("\n".join(lines) + "\n", encoding="utf-8")
    how = _HOW.format(source=content["source"], snapshot_at=content["snapshot_at"])
    (directory / _README).write_text(how, encoding="utf-8")


def _copy(table: Table, file: str) -> str:
    form = "binary" if table.is_binary else "text"
    columns = f" ({', '.join(map(quoted, table.columns))})" if table.columns else ""
    source = f"program 'zstd -dcq {file}'" if file.endswith(".zst") else f"'{file}'"
    words = rf"\copy {qualified(table.schema, table.name)}{columns} from {source} with (format {form})"
    # A command of psql's ends with its line.
    return words if "\n" not in words else f"\\warn by hand, for the name has a line's end: {words!r}"


def _setval(state: SequenceState) -> str:
    name = qualified(state.schema, state.name).replace("'", "''")
    return f"select pg_catalog.setval('{name}', {state.last_value}, {str(state.is_called).lower()});"
