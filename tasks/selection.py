"""What pg_dump's patterns select of the source: told by pg_dump itself, and what stands in its way, all of it named."""

from collections.abc import Collection
from pathlib import Path

from tasks import archive, catalogue, contents, remainder
from tasks.archive import DumpOptions
from tasks.catalogue import Part
from tasks.checkpoints import Json
from tasks.contents import Entry
from tasks.errors import DumpFailed, SourceEmpty, SourceUncopyable
from tasks.manifest import Extension
from tasks.postgres import Session
from tasks.source_tables import SourceTable, ensure_readable, ensure_unlocked
from tasks.statements import statement
from tasks.tools import Tools

# They may need what is left out, because they are left out themselves.
_NOT_RESTORED = ("policy", "publication", "event trigger", "cast", "transform", "foreign table", "user mapping")


def selected(
    session: Session, tools: Tools, options: DumpOptions, folder: Path, tables: list[SourceTable]
) -> list[Entry]:
    """Let pg_dump itself say what its patterns select now. Raises as `definitions` does."""
    file = folder / ".definitions.unfinished"
    try:
        return definitions(session, tools, options, file, tables)
    finally:
        file.unlink(missing_ok=True)


def definitions(
    session: Session,
    tools: Tools,
    options: DumpOptions,
    file: Path,
    tables: list[SourceTable],
    *,
    snapshot: str | None = None,
) -> list[Entry]:
    """Let pg_dump write what its patterns select, now or in a snapshot, and say what that is.

    Raises:
        SourceUnreadable, SourceBusy: the role may not read some of the tables, or they are locked; all are named.
        SourceEmpty: there is no table among them.
        DumpFailed: pg_dump failed for another reason.
    """
    try:
        archive.dump_definitions(session, tools.pg_dump, options, file, snapshot=snapshot)
        wanted = contents.entries(tools.pg_restore, file, timeout_seconds=options.timeout_seconds)
    except DumpFailed:
        # pg_dump names the first table that it may not read, and none that it waited for in vain; whoever mends
        # it wants to know them all.
        ensure_unlocked(session, tables)
        ensure_readable(session, tables)
        raise
    if not table_numbers(wanted):
        raise SourceEmpty(
            f"{session.database} has no table to copy; the destination was not touched",
            hint="point the job at the right database, or widen the patterns in [source]",
        )
    return wanted


def without_rows(session: Session, tools: Tools, options: DumpOptions, folder: Path) -> set[int]:
    """Return the numbers of the tables, sequences and so on whose contents are not wanted, by pg_dump's own reading."""
    if not options.exclude_table_data:
        return set()
    patterns = [f"--table={pattern}" for pattern in options.exclude_table_data]
    matching = _matching(session, tools, options, folder, patterns)
    oids = [entry.oid for entry in matching if entry.title.startswith(("TABLE ", "MATERIALIZED VIEW "))]
    query = "select oid::regclass::text from pg_catalog.pg_class where oid = any(%s::bigint[]::oid[])"
    # A table brings the sequences of its columns, which may have been meant or not: asked for again without it, they
    # are there only if they were.
    apart = [f"--exclude-table={name}" for (name,) in session.all(query, [oids])]
    rest = _matching(session, tools, options, folder, [*patterns, *apart])
    return {*oids, *(entry.oid for entry in rest if entry.title.startswith("SEQUENCE ") and entry.classid)}


def _matching(session: Session, tools: Tools, options: DumpOptions, folder: Path, patterns: list[str]) -> list[Entry]:
    file = folder / ".excluded.unfinished"
    try:
        archive.dump_definitions(session, tools.pg_dump, options, file, patterns=patterns)
        return contents.entries(tools.pg_restore, file, timeout_seconds=options.timeout_seconds)
    except DumpFailed as error:
        # pg_dump minds that nothing fits a pattern of what it is to dump, not one of what it is to leave out.
        if "no matching tables were found" in error.message:
            return []
        raise
    finally:
        file.unlink(missing_ok=True)


def table_numbers(wanted: list[Entry]) -> set[int]:
    """Return the numbers of the tables that a table of contents defines."""
    return {entry.oid for entry in wanted if entry.classid and entry.title.startswith("TABLE ")}


def describe(
    session: Session, wanted: list[Entry], options: DumpOptions, without_rows: Collection[int] = frozenset()
) -> Json:
    """Name what a table of contents defines, in the words of the manifest; of some the contents are not wanted."""
    numbered = [entry for entry in wanted if entry.classid]
    numbers = {"classids": [entry.classid for entry in numbered], "oids": [entry.oid for entry in numbered]}
    objects = session.all(statement("read_objects"), numbers)
    brought_by = {(kind, identity): (classid, oid) for kind, _, identity, classid, oid in sorted(objects)}
    titles = [entry.title for entry in wanted]
    extensions = [
        Extension(name=name, schema=schema, version=version)
        for name, schema, version in session.all(statement("read_extensions"))
        if any(title.startswith(f"EXTENSION - {name} ") for title in titles) and name not in options.exclude_extensions
    ]
    # A schema may be empty.
    namespaces = [entry.oid for entry in wanted if entry.title.startswith("SCHEMA - ")]
    named = session.all("select nspname::text from pg_catalog.pg_namespace where oid = any(%s)", [namespaces])
    return {
        "schemas": sorted({schema for _, schema, *_ in objects} | {schema for (schema,) in named}),
        "objects": list(brought_by),
        "brought_by": list(brought_by.values()),
        "extensions": extensions,
        "collations": dict(session.all(statement("read_collations"), numbers)),
        "sequences": remainder.read_sequences(
            session, [e for e in contents.restored(wanted) if e.oid not in without_rows]
        ),
        "foreign_keys": remainder.read_foreign_keys(session, wanted),
        "materialized": remainder.read_materialized_views(session, wanted, without_rows),
        "left_out": [
            *contents.left_out(wanted),
            *(key.title for key in orphaned_keys(session, wanted)),
            *remainder.users_rows_of_extensions(session, wanted),
        ],
    }


def ensure_copyable(session: Session, wanted: list[Entry], options: DumpOptions, *, large_objects: int) -> None:
    """Refuse what would be copied in part only, or could not be restored.

    Raises:
        SourceUncopyable: there are large objects and they are not to be skipped, or something that is wanted needs
            what is left out; all is named.
    """
    ensure_no_large_objects(session, options, large_objects)
    ensure_self_contained(session, wanted)
    ensure_rows_stay(session, wanted)


def ensure_rows_stay(session: Session, wanted: list[Entry]) -> None:
    """Raise SourceUncopyable, naming the tables whose partitions would refuse the rows that they have at the source."""
    shifting = session.all(statement("read_shifting_tables"), {"oids": list(table_numbers(wanted))})
    if shifting:
        raise SourceUncopyable(
            f"{len(shifting)} tables of {session.database} are partitioned by the hash of an enum, which is another "
            f"one on another server: {', '.join(f'{schema}.{name}' for schema, name in shifting)}; nothing was dumped",
            hint="partition them by list, or by the hash of the enum's text, or leave them and their partitions out "
            "with [source] exclude_tables",
        )


def ensure_no_large_objects(session: Session, options: DumpOptions, found: int) -> None:
    """Raise SourceUncopyable where there are any and they are not to be skipped."""
    if found and options.large_objects == "refuse":
        raise SourceUncopyable(
            f"{session.database} has large objects ({found}), which are not copied; nothing was dumped",
            hint="keep such data in bytea columns, or go on without it: [source] large_objects = skip",
        )


def ensure_self_contained(session: Session, wanted: list[Entry]) -> None:
    """Raise SourceUncopyable, naming all that pg_restore could not make because what it needs is left out."""
    orphaned = orphaned_keys(session, wanted)
    made = {(entry.classid, entry.oid) for entry in contents.restored(wanted) if entry.classid}
    numbers = {"classids": [classid for classid, _ in made], "oids": [oid for _, oid in made]}
    # With what has no line of its own: the family of an operator class, the multirange of a range.
    brought = {(kind, identity) for kind, _, identity, *_ in session.all(statement("read_objects"), numbers)}
    schemas = [name for (name,) in session.all(statement("read_user_schemas"))]
    living = catalogue.living_in(session, schemas)
    absent = [o for o in living if (o.classid, o.objid) not in made and (o.type, o.identity) not in brought]
    parts = catalogue.family_of(session, absent) if absent else []
    left = [*parts, *(Part(key.classid, key.oid, key.title) for key in orphaned)]
    needing = catalogue.dependents(session, parts, left) if parts else []
    if broken := [str(found) for found in needing if not found.type.startswith(_NOT_RESTORED)]:
        raise SourceUncopyable(
            f"{len(broken)} objects of {session.database} need what is left out: {', '.join(broken)}; "
            "nothing was dumped",
            hint="leave them out too with [source] exclude_tables or exclude_schemas, or copy what they need",
        )


def orphaned_keys(session: Session, wanted: list[Entry]) -> list[Entry]:
    """List the foreign keys that refer to tables which are left out: no rows are lost where they are left out too."""
    keys = [entry.oid for entry in wanted if entry.title.startswith("FK CONSTRAINT ")]
    numbers = {"keys": keys, "tables": list(table_numbers(wanted))}
    orphaned = {oid for (oid,) in session.all(statement("read_orphaned_keys"), numbers)} if keys else set()
    return [entry for entry in wanted if entry.title.startswith("FK CONSTRAINT ") and entry.oid in orphaned]
