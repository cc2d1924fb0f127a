"""Incremental models and snapshots: dbt adds to a copy of what is published."""

import logging
import re

from tasks import catalogue, generations
from tasks.ledger import State
from tasks.postgres import Session
from tasks.statements import qualified, quoted, statement, with_names

logger = logging.getLogger(__name__)


def prepare_next(session: Session, published: State) -> None:
    """Give the new schemas the old ones' default privileges, and the models that keep state their state."""
    for built in published.built_schemas:
        session.run(with_names("create schema {}", built))
        catalogue.copy_default_privileges(session, generations.final_name(built), built)
    for name in published.stateful:
        _copy_state(session, published, *name.split(".", 1))


def _copy_state(session: Session, published: State, schema: str, name: str) -> None:
    """Copy a published table to where dbt will add to it; a column of a landed type gets the new load's type."""
    both = ((generations.final_name(schema), name), (schema, name))
    old, new = (qualified(*names) for names in both)
    set_aside = [generations.previous(landed) for landed in published.load_schemas]
    columns = session.all(statement("read_columns"), {"table": old, "set_aside": set_aside})
    if not columns:
        logger.warning("%s is gone: dbt will build it from nothing", old)
        return
    session.run(f"create table {new} (like {old} including all)")
    values = []
    for column, type_name, is_set_aside in columns:
        value = quoted(column)
        if is_set_aside:
            landed_type = re.sub(rf'{generations.PREVIOUS}("?)\.', r"\1.", type_name, count=1)
            value = f"{value}::text::{landed_type}"
            session.run(f"alter table {new} alter column {quoted(column)} type {landed_type} using {value}")
        values.append(value)
    names = ", ".join(quoted(column) for column, _, _ in columns)
    # Every name in it is quoted.
    session.run(f"insert into {new} ({names}) overriding system value select {', '.join(values)} from {old}")  # noqa: S608
