"""Rules and dashboard in deploy/ ask for what Towpath tells, and are what Prometheus and Grafana read."""

import itertools
import json
import re
from collections.abc import Iterator

import pytest
import yaml  # type: ignore[import-untyped]

from tasks.checkpoints import Json
from tasks.facts import HELP
from tests.conftest import PROJECT

RULES = PROJECT / "deploy" / "prometheus" / "towpath.rules.yml"
RULES_TEST = PROJECT / "deploy" / "prometheus" / "towpath.rules.test.yml"
EXAMPLE = PROJECT / "deploy" / "prometheus" / "prometheus.yml"
DASHBOARD = PROJECT / "deploy" / "grafana" / "towpath.json"
LABELS = {"destination", "table", "step", "result"}


@pytest.fixture
def rules() -> list[Json]:
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


@pytest.fixture
def dashboard() -> Json:
    content: Json = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize(
    "path", [RULES, RULES_TEST, DASHBOARD, PROJECT / "docs" / "watching.md"], ids=lambda path: path.name
)
def test_every_metric_that_is_asked_for_is_one_that_is_told(path):
    asked = set(re.findall(r"\btowpath(?:_[a-z]+)+", path.read_text(encoding="utf-8")))

    assert asked
    assert asked <= HELP.keys()


@pytest.mark.parametrize("path", [RULES, DASHBOARD], ids=lambda path: path.name)
def test_every_label_that_is_asked_for_is_one_that_is_told(path):
    text = path.read_text(encoding="utf-8").replace('\\"', '"')
    asked = re.findall(r"\$labels\.(\w+)|[{,](\w+)=\"|{{(\w+)}}", text)

    assert asked
    assert {name for names in asked for name in names if name} <= LABELS


def test_every_alert_says_what_to_do_and_is_seen_to_fire(rules):
    tried = yaml.safe_load(RULES_TEST.read_text(encoding="utf-8"))["tests"]
    fires = {each["alertname"] for test in tried for each in test["alert_rule_test"] if each.get("exp_alerts")}

    names = [rule["alert"] for rule in rules]
    assert len(names) == len(set(names))
    assert set(names) == fires
    for rule in rules:
        assert rule["annotations"].keys() == {"summary", "description", "remedy"}
        assert rule["labels"]["severity"] in ("info", "warning", "critical")


def test_the_example_of_a_configuration_takes_the_rules_and_leaves_labels_alone():
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    jobs = {job["job_name"]: job for job in example["scrape_configs"]}

    assert example["rule_files"] == [RULES.name]
    assert jobs["pushgateway"]["honor_labels"] is True
    assert all(job["static_configs"][0]["targets"] for job in jobs.values())


def cells(panel: Json) -> Iterator[tuple[int, int]]:
    """The places of a panel on Grafana's grid."""
    at = panel["gridPos"]
    yield from itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"]))


def test_the_dashboard_s_panels_have_places_and_numbers_of_their_own(dashboard):
    taken = [cell for panel in dashboard["panels"] for cell in cells(panel)]

    assert len(taken) == len(set(taken))
    assert {column for column, _ in taken} == set(range(24))
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(numbers) == len(set(numbers))


def test_the_dashboard_can_be_imported_into_any_grafana(dashboard):
    """Its datasource and its destination are chosen there."""
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    targets = [target for panel in dashboard["panels"] for target in panel["targets"]]

    assert dashboard["schemaVersion"] >= 36
    assert re.fullmatch(r"[a-z0-9-]{1,40}", dashboard["uid"])
    assert "id" not in dashboard
    sources = re.findall(r'"datasource": {"type": "prometheus", "uid": "([^"]*)"}', json.dumps(dashboard))
    assert len(sources) == len(dashboard["panels"]) + len(targets) + 1
    assert set(sources) == {"${datasource}"}
    assert all('destination="$destination"' in target["expr"] for target in targets)
    assert set(re.findall(r"\$\{?(\w+)", json.dumps(dashboard))) == variables
    assert all(panel["title"] and panel["description"] for panel in dashboard["panels"])
