"""What dbt's own files, `manifest.json` and `run_results.json`, say of a build.

Only what is the same in dbt 1.11 and 1.12 is read.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks import generations
from tasks.checkpoints import Json
from tasks.commands import ProgramFailed
from tasks.errors import ModelsBroken, PipelineError, TestsFailed

_RELATIONS = ("model", "seed", "snapshot")
_STATEFUL = ("incremental", "snapshot")


class BuildResults:
    """What was made, and how it went; a name is `schema.name` as dbt built it, `__next` included."""

    def __init__(self, manifest: Json, results: Json) -> None:
        nodes: dict[str, Json] = {**manifest["nodes"], **manifest.get("unit_tests", {})}
        self.dbt_version = str(results["metadata"]["dbt_version"])
        self._results = [(nodes.get(result["unique_id"], {}), result) for result in results["results"]]
        self._relations = [node for node in manifest["nodes"].values() if _is_relation(node)]
        self._nodes: dict[str, Json] = manifest["nodes"]
        self._sources: dict[str, Json] = manifest.get("sources", {})

    @classmethod
    def read(cls, output: Path) -> "BuildResults":
        """Read dbt's target folder. Raises OSError, ValueError or KeyError where a build left no result."""
        return cls(_read(output / "manifest.json"), _read(output / "run_results.json"))

    @classmethod
    def read_if_any(cls, output: Path) -> "BuildResults | None":
        """Read dbt's target folder, or return None where dbt did not come as far as to write its results."""
        try:
            return cls.read(output)
        except (OSError, ValueError, KeyError):
            return None

    @property
    def relations(self) -> list[str]:
        return sorted(_named(node) for node in self._relations)

    @property
    def places(self) -> set[tuple[str, str]]:
        """Schema and name of each."""
        return {(node["schema"], node["alias"]) for node in self._relations}

    @property
    def stateful(self) -> list[str]:
        """Those that keep what earlier builds put into them."""
        return sorted(_named(node) for node in self._relations if node["config"].get("materialized") in _STATEFUL)

    @property
    def readers(self) -> dict[tuple[str, str], list[str]]:
        """Those that read a source themselves, or through an ephemeral model, by the source's schema and table."""
        found: dict[tuple[str, str], list[str]] = {}
        for node in sorted(self._relations, key=_named):
            for source in self._sources_of(node):
                found.setdefault((source["schema"], source["identifier"]), []).append(_named(node))
        return found

    def _sources_of(self, node: Json) -> list[Json]:
        needed = set(node["depends_on"].get("nodes", []))
        inlined = [self._nodes[name] for name in needed & self._nodes.keys() if not _is_relation(self._nodes[name])]
        found = [self._sources[name] for name in needed & self._sources.keys()]
        return found + [source for parent in inlined for source in self._sources_of(parent)]

    @property
    def results(self) -> list[Json]:
        """Every model, snapshot, seed and test that was to be built or run, in dbt's order, by the readers' names.

        `of` is the model or source that a test is about, `test` its kind (unique, not_null), and `column` what it looks
        at there; `reads` are the models and sources that a model is made from; `status` is dbt's: success, pass, warn,
        error, fail, skipped; `failures` is the number of rows that fail a test.
        """
        known = {**self._nodes, **self._sources}
        return [_result_of(node, result, known) for node, result in self._results]

    @property
    def tests(self) -> int:
        return sum(1 for _, result in self._results if result["status"] == "pass")

    def named(self, *statuses: str) -> list[str]:
        return [node.get("name", r["unique_id"]) for node, r in self._results if r["status"] in statuses]

    def failures(self) -> list[tuple[Json, Json]]:
        """Return each failed node of dbt's manifest with its result."""
        failed = ("error", "fail", "runtime error")
        return [(node, result) for node, result in self._results if result["status"] in failed]


def _result_of(node: Json, result: Json, nodes: Mapping[str, Json]) -> Json:
    is_relation = node.get("resource_type") in _RELATIONS
    asked = node.get("attached_node") or next(iter(node.get("depends_on", {}).get("nodes", [])), "")
    about = nodes.get(asked, {})
    return {
        "name": generations.final_name(_named(node)) if is_relation else node.get("name", result["unique_id"]),
        "kind": str(node.get("resource_type", "node")).replace("_", " "),
        "materialized": node["config"].get("materialized") if is_relation else None,
        "of": generations.final_name(_named(about)) if about and not is_relation else None,
        "test": (node.get("test_metadata") or {}).get("name"),
        "column": node.get("column_name"),
        "reads": sorted(_reads(node, nodes)) if is_relation else [],
        "started_at": next((timing["started_at"] for timing in result["timing"]), None),
        "status": result["status"],
        "seconds": round(result["execution_time"], 3),
        "message": None if result["status"] in ("success", "pass") else result.get("message"),
        "failures": result.get("failures"),
    }


def _reads(node: Json, nodes: Mapping[str, Json]) -> set[str]:
    """Name what a node reads itself, or through an ephemeral model."""
    found = [nodes[name] for name in node.get("depends_on", {}).get("nodes", []) if name in nodes]
    inlined = [read for read in found if read["resource_type"] != "source" and not _is_relation(read)]
    named = {generations.final_name(_named(read)) for read in found if read not in inlined}
    return named.union(*(_reads(read, nodes) for read in inlined))


def _is_relation(node: Json) -> bool:
    return node["resource_type"] in _RELATIONS and node["config"].get("materialized") != "ephemeral"


def _named(node: Json) -> str:
    return f"{node['schema']}.{node.get('alias') or node['identifier']}"


def failure(error: ProgramFailed, output: Path, project: Path) -> PipelineError:
    """Put a failed build into words: the models or tests that failed, why, and where their SQL is.

    ModelsBroken where a model could not be built or dbt could not start, TestsFailed where only tests failed.
    """
    state = "readers see what they saw"
    made = BuildResults.read_if_any(output)
    if made is None:
        said = _what_dbt_said(error.lines)
        return ModelsBroken(
            f"dbt came to no result in {project}: {error.message if error.is_late else said or error.message}; {state}",
            hint="mend the project, or allow it more time with [dbt] timeout_seconds, and run again",
        )
    failures = made.failures()
    broken = [(node, r) for node, r in failures if node.get("resource_type") in _RELATIONS]
    kind = ModelsBroken if broken or not failures else TestsFailed
    told = "; ".join(_told(node, result, (output, project)) for node, result in broken or failures)
    return kind(
        f"dbt: {_counted(len(failures))} failed: {told or error.message}; {state}",
        hint="mend the model, the test or the data, and run again: dump and restore are kept",
    )


def _counted(failures: int) -> str:
    return "1 model or test" if failures == 1 else f"{failures} models and tests"


def _what_dbt_said(lines: list[str]) -> str:
    """Return dbt's words from its first error on, without the times before them."""
    said = [line[10:] if line[2:3] == ":" else line for line in lines]
    first = next((number for number, line in enumerate(said) if "Error" in line), max(len(said) - 8, 0))
    return " ".join(" ".join(said[first : first + 12]).split())


def _told(node: Json, result: Json, folders: tuple[Path, Path]) -> str:
    name = node.get("name", result["unique_id"])
    message = " ".join(str(result.get("message") or result["status"]).split())
    compiled = node.get("compiled_path")
    where = f", compiled in {_compiled(Path(compiled), folders)}" if compiled else ""
    return f"{node.get('resource_type', 'node').replace('_', ' ')} {name} ({message}{where})"


def _compiled(path: Path, folders: tuple[Path, Path]) -> Path:
    # dbt writes it as it was configured: absolute, or relative to either.
    return next((found for folder in folders if (found := folder / path).exists()), path)


def _read(path: Path) -> Json:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
