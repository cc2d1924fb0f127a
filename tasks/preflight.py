"""Look first: every question that can be asked before anything is touched."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tasks import (
    admission,
    claims,
    contents,
    dbt_program,
    dependents,
    disk,
    generations,
    notify,
    selection,
    servers,
    shapes,
    source_tables,
)
from tasks.admission import Terms
from tasks.amounts import size
from tasks.archive import DumpOptions
from tasks.contents import Entry
from tasks.dbt_program import DbtOptions
from tasks.errors import Doubt, DumpFailed, SourceBusy
from tasks.inquiry import Finding, Inquiry, Known, Unknown
from tasks.ledger import Holding, read_holding
from tasks.manifest import Manifest
from tasks.notify import NotifyOptions
from tasks.postgres import Database, Session, connect
from tasks.run_folder import RunFolder
from tasks.servers import Server
from tasks.statements import statement
from tasks.tools import Tools

# pg_dump may wait for a lock for as long as it is told to; whoever only looks may not.
_LOCK_SECONDS = 1
_WITH_ROWS = ("table", "materialized view")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is about to do. `dumped` is its dump's manifest where that is complete, `has_landed` of its load."""

    source: Database
    destination: Database
    folder: RunFolder
    tools: Callable[..., Tools]
    dump: DumpOptions
    dbt: Callable[[], DbtOptions]
    dumped: Manifest | None
    has_landed: bool
    terms: Terms
    alerts: Callable[[], NotifyOptions]


@dataclass(frozen=True)
class Side:
    """A server that answers."""

    session: Session
    server: Server


@dataclass(frozen=True)
class Cargo:
    """What would be dumped now, as a manifest without rows, or what was; `entries` only where it has yet to be."""

    manifest: Manifest
    entries: list[Entry]
    table_bytes: int


@dataclass(frozen=True)
class Sight:
    """What was found, and the numbers of the tables that are to be dumped; none where that is not known."""

    findings: list[Finding]
    tables: list[int]


def look(plan: Plan) -> Sight:
    """Ask everything that can be asked; nothing is changed, and nothing is waited for longer than a second or so."""
    inquiry = Inquiry()
    with contextlib.ExitStack() as sessions:
        destination = inquiry.ask("destination", lambda: _reach(sessions, plan.destination))
        if plan.dumped is None:
            source = inquiry.ask("source", lambda: _reach(sessions, plan.source))
            cargo = _ask_source(inquiry, plan, source, destination)
        else:
            table_bytes = sum(table.bytes for table in plan.dumped.tables if table.with_data)
            cargo = Cargo(plan.dumped, [], table_bytes)
            as_of = plan.dumped.snapshot_at[:19]
            inquiry.ask("source", lambda: f"not needed: this run's dump is complete, as of {as_of} UTC")
        _ask_destination(inquiry, plan, destination, cargo)
    inquiry.ask("dbt", lambda: _find_project(plan))
    inquiry.ask("alerts", lambda: notify.consider(plan.alerts()))
    tables = selection.table_numbers(cargo.entries) if isinstance(cargo, Cargo) else ()
    return Sight(inquiry.findings, sorted(tables))


def _reach(sessions: contextlib.ExitStack, database: Database) -> Known:
    session = sessions.enter_context(connect(database))
    session.run(f"set lock_timeout = '{_LOCK_SECONDS}s'")
    server = servers.read_server(session)
    return Known(Side(session, server), f"{database}: PostgreSQL {server.version}, as {server.role}")


def _ask_source(inquiry: Inquiry, plan: Plan, source: Any, destination: Any) -> Any:
    """Ask what concerns the source, or both servers, and return the Cargo, or why it is not known."""

    def find_tools(from_: Side, to: Side) -> Known:
        tools = plan.tools(source_major=from_.server.major, destination_major=to.server.major)
        return Known(tools, f"pg_dump {tools.pg_dump.version}, pg_restore {tools.pg_restore.version}")

    def ensure_whole(side: Side, found: Cargo) -> None:
        selection.ensure_self_contained(side.session, found.entries)
        selection.ensure_rows_stay(side.session, found.entries)

    def find_room(found: Cargo) -> str | Sequence[Doubt]:
        # How large those are of which the rows stay behind is not known before there is a dump.
        is_at_most = bool(plan.dump.exclude_table_data)
        how = {"is_compressed": plan.dump.compress.level > 0, "is_at_most": is_at_most}
        return disk.ensure_room_for_dump(plan.folder.path, found.table_bytes, **how)

    tools = inquiry.ask("programs", find_tools, source, destination)
    cargo = inquiry.ask("tables", lambda side, pair: _select(plan, side, pair), source, tools)
    inquiry.ask("large objects", lambda side: _consider_large_objects(plan, side), source, ok="none")
    inquiry.ask("completeness", ensure_whole, source, cargo, ok="nothing copied needs what is left out")
    inquiry.ask("left out", _consider_left_out, cargo)
    inquiry.ask("standby", lambda side: servers.consider_standby(side.server), source)
    inquiry.ask("clocks", lambda a, b: servers.compare_clocks(a.server, b.server), source, destination)
    inquiry.ask("text", lambda a, b: servers.compare_texts(a.server, b.server), source, destination)
    inquiry.ask("disk here", find_room, cargo)
    return cargo


def _select(plan: Plan, source: Side, tools: Tools) -> Known:
    session, every = source.session, source_tables.all_tables(source.session)
    hurried = replace(plan.dump, lock_wait_timeout=min(_LOCK_SECONDS, plan.dump.lock_wait_timeout))
    try:
        entries = _definitions(plan, session, tools, hurried)
    except SourceBusy as error:
        held = ", ".join(source_tables.locks(session, every)) or error.message
        doubt = Doubt(
            f"tables of {session.database} are locked: {held}; the dump will wait {plan.dump.lock_wait_timeout:.0f} s "
            "for each",
            "end what holds them, or raise [dump] lock_wait_timeout",
        )
        return Known(Unknown("tables of the source are locked"), [doubt])
    source_tables.ensure_readable(session, source_tables.relations_among(every, entries))
    numbers = sorted(selection.table_numbers(entries))
    # To ask for a size takes a lock; pg_dump has just had them all.
    with session.transaction(lock_timeout_seconds=_LOCK_SECONDS):
        sizes = session.all(statement("read_table_sizes"), {"oids": numbers})
    cargo = Cargo(_manifest_of(plan, source, tools, entries), entries, sum(size for _, size in sizes))
    told = f"{len(numbers)} with {size(cargo.table_bytes)}, none locked, all readable by {source.server.role}"
    return Known(cargo, told)


def _definitions(plan: Plan, session: Session, tools: Tools, hurried: DumpOptions) -> list[Entry]:
    every = source_tables.all_tables(session)
    try:
        return selection.selected(session, tools, hurried, plan.folder.path, every)
    except DumpFailed:
        # It may have been a lock that is gone by now.
        return selection.selected(session, tools, hurried, plan.folder.path, every)


def _manifest_of(plan: Plan, source: Side, tools: Tools, entries: list[Entry]) -> Manifest:
    """Describe what a dump would hold now, so that the destination can be asked as it will be asked then."""
    session, server = source.session, source.server
    return Manifest(
        source=str(session.database),
        system_identifier=server.system_identifier,
        database_oid=server.database_oid,
        server_version=session.server_version,
        pg_dump=tools.pg_dump.version,
        snapshot_at=server.clock,
        lsn="",
        moment=None,
        tables=[],
        catalogue=shapes.read_catalogue(session, entries, {}).to_json(),
        definitions="",
        files={},
        seconds=0,
        **selection.describe(session, entries, plan.dump),
    )


def _consider_large_objects(plan: Plan, source: Side) -> Sequence[Doubt]:
    found = source.server.large_objects
    selection.ensure_no_large_objects(source.session, plan.dump, found)
    skipped = f"the large objects of {source.session.database} ({found}) will not be copied"
    return [Doubt(f"{skipped}: [source] large_objects = skip", "keep such data in bytea columns")] if found else []


def _consider_left_out(cargo: Cargo) -> str | Sequence[Doubt]:
    missed = [title for title in cargo.manifest.left_out if not contents.is_the_sources_own(title)]
    own = len(cargo.manifest.left_out) - len(missed)
    if missed:
        return [
            Doubt(f"will be left out: {'; '.join(missed)}", "make it at the destination by hand where models need it")
        ]
    return (
        f"{own} grants, policies and publications, which stay at the source" if own else "nothing that [source] selects"
    )


def _ask_destination(inquiry: Inquiry, plan: Plan, destination: Any, cargo: Any) -> None:
    """Ask what concerns the destination; of the landing nothing where this run's load is in it already."""

    def find_room(side: Side, found: Cargo, held: Holding) -> str | Sequence[Doubt]:
        numbers = [o.objid for o in dependents.passing_objects(side.session, held) if o.type in _WITH_ROWS]
        freed = sum(number for _, number in side.session.all(statement("read_table_sizes"), {"oids": numbers}))
        return disk.consider_room_for_landing(side.session, side.server, found.table_bytes, freed)

    inquiry.ask("writing", lambda side: servers.ensure_writable(side.session, side.server), destination, ok="allowed")
    inquiry.ask(
        "other runs", lambda side: claims.ensure_unclaimed(side.session), destination, ok="none is at work there"
    )
    holding = inquiry.ask("ledger", _read_ledger, destination)
    inquiry.ask("temporary tables", lambda side: servers.consider_temporary_tables(side.session), destination)
    inquiry.ask("where dbt builds", lambda *known: _ensure_room_to_build(plan, *known), destination, holding, ok="free")
    if plan.has_landed:
        inquiry.ask("landing", lambda: "holds this run's load already")
        return
    request = inquiry.ask("landing", lambda *known: _request(plan, *known), destination, cargo, holding)
    for topic, question, ok in admission.QUESTIONS:
        inquiry.ask(topic, question, request, ok=ok)
    inquiry.ask("disk there", find_room, destination, cargo, holding)


def _read_ledger(destination: Side) -> Known:
    claims.ensure_ledger_is_ours(destination.session)
    holding = read_holding(destination.session)
    published = holding.version("published")
    told = f"readers see load {published.load_id} of run {published.run}" if published else "nothing is published yet"
    return Known(holding, told)


def _ensure_room_to_build(plan: Plan, destination: Side, holding: Holding) -> None:
    # What an earlier build left is dropped before it is asked again.
    if not any(state.version_state in ("building", "built") for state in holding.states):
        generations.ensure_next_is_free(destination.session, plan.dbt().schema)


def _request(plan: Plan, destination: Side, cargo: Cargo, holding: Holding) -> Known:
    request = admission.Request(session=destination.session, manifest=cargo.manifest, holding=holding, terms=plan.terms)
    return Known(request, f"in {', '.join(cargo.manifest.schemas)} of {destination.session.database}")


def _find_project(plan: Plan) -> str:
    options = plan.dbt()
    options.digest()
    dbt_program.ensure_startable(options)
    return f"{options.project}, built by {options.executable}"
