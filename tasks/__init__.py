"""Towpath: a PostgreSQL source into a PostgreSQL warehouse, through dbt, shown to readers whole or not at all.

luigi --module tasks FullPipeline
"""

from tasks.operations import CheckFreshness, RollBack
from tasks.pipeline import (
    DumpSource,
    FullPipeline,
    Preflight,
    PublishModels,
    RestoreDestination,
    RunDbt,
)
from tasks.task import DatabaseReady

__all__ = [
    "CheckFreshness",
    "DatabaseReady",
    "DumpSource",
    "FullPipeline",
    "Preflight",
    "PublishModels",
    "RestoreDestination",
    "RollBack",
    "RunDbt",
]
