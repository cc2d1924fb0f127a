from tasks.checkpoints import Json
from tasks.dbt_artifacts import BuildResults


def node(name: str, kind: str, *reads: str, materialized: str = "table", schema: str = "silver__next") -> Json:
    described = {"name": name, "alias": name, "identifier": name, "schema": schema, "resource_type": kind}
    return {**described, "config": {"materialized": materialized}, "depends_on": {"nodes": list(reads)}}


def result(unique_id: str, status: str = "success") -> Json:
    return {"unique_id": unique_id, "status": status, "execution_time": 0.5, "timing": []}


def test_a_model_reads_what_its_ephemeral_models_read_under_the_names_that_readers_know():
    nodes = {
        "model.x.films": node("films", "model", "source.x.films"),
        "model.x.rated": node("rated", "model", "model.x.films", "source.x.users", materialized="ephemeral"),
        "model.x.best": node("best", "model", "model.x.rated", "model.x.films", schema="gold__next"),
    }
    sources = {
        f"source.x.{name}": node(name, "source", materialized="", schema="public") for name in ("films", "users")
    }
    results = [result("model.x.films"), result("model.x.best")]

    built = BuildResults(
        {"nodes": nodes, "sources": sources}, {"metadata": {"dbt_version": "1"}, "results": results}
    ).results

    assert [(each["name"], each["reads"]) for each in built] == [
        ("silver.films", ["public.films"]),
        ("gold.best", ["public.users", "silver.films"]),
    ]
    # What has not been run has no time of its own.
    assert [each["started_at"] for each in built] == [None, None]
