"""The text of statements: those in `tasks/sql`, and names put into them, quoted."""

import functools
import re
from pathlib import Path

_PARTS = re.compile(r'"(?:[^"]|"")*"|[^".]+')


@functools.cache
def statement(name: str) -> str:
    """Return the text of `tasks/sql/<name>.sql`."""
    return (Path(__file__).parent / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def with_names(template: str, *names: str | tuple[str, ...]) -> str:
    """Fill each `{}` of a statement with a quoted name; a tuple is a qualified one."""
    return template.format(*(qualified(*([name] if isinstance(name, str) else name)) for name in names))


def qualified(*names: str) -> str:
    """Return a name of one or more parts, each quoted."""
    return ".".join(map(quoted, names))


def split(identity: str) -> list[str]:
    """Return the parts of a qualified name as the server writes it, unquoted."""
    return [part[1:-1].replace('""', '"') if part[0] == '"' else part for part in _PARTS.findall(identity)]


def quoted(name: str) -> str:
    """Quote a name as `quote_ident` does when in doubt."""
    return '"' + name.replace('"', '""') + '"'
