"""Towpath: a PostgreSQL source into a PostgreSQL warehouse, through dbt, shown to readers whole or not at all.

luigi --module tasks FullPipeline
"""

from tasks.pipeline import (
    DatabaseReady,
    DumpSource,
    FullPipeline,
    PublishModels,
    RestoreDestination,
    RollBack,
    RunDbt,
)

__all__ = [
    "DatabaseReady",
    "DumpSource",
    "FullPipeline",
    "PublishModels",
    "RestoreDestination",
    "RollBack",
    "RunDbt",
]
