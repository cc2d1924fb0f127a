"""What a run that has ended has to say to Prometheus: a file for node_exporter, a pushgateway, or both."""

import functools
import re
import urllib.error
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tasks import deadline
from tasks.addresses import Address
from tasks.checkpoints import Json
from tasks.errors import SettingInvalid
from tasks.facts import HELP, OF_LAST_RUN, Fact, facts

if TYPE_CHECKING:
    # It takes a tenth of a second, which a run with nothing to tell need not wait.
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

_OUR_LABELS = {"destination", "job", "instance", "table", "step", "result", "run", "version"}
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class MetricsOptions:
    """Where to, and what tells these series from another pipeline's; an empty text is nowhere."""

    textfile: str
    pushgateway: str = field(repr=False)
    job: str
    labels: Mapping[str, str]
    tables: bool
    timeout_seconds: float

    def grouping(self, report: Json) -> dict[str, str]:
        """Return the labels of every series. Raises SettingInvalid where one cannot be a label, or is one of ours."""
        if unfit := sorted(name for name in self.labels if name in _OUR_LABELS or not _LABEL.fullmatch(name)):
            raise SettingInvalid(
                f"[metrics] labels cannot be {', '.join(unfit)}",
                hint=f"take names of letters, digits and _ that are none of {', '.join(sorted(_OUR_LABELS))}",
            )
        return {"destination": report["destination"], **{name: str(value) for name, value in self.labels.items()}}


def write_textfile(report: Json, options: MetricsOptions) -> None:
    """Replace the file, in one rename, if one is wanted.

    What a failed run does not know (rows, the last success) is taken over from the file as it was.

    Raises:
        SettingInvalid: node_exporter would not read a file of that name, or a label's name is unfit.
        OSError: it could not be written.
    """
    if not options.textfile:
        return
    import prometheus_client  # noqa: PLC0415

    path = Path(options.textfile).resolve()
    if path.suffix != ".prom":
        raise SettingInvalid(
            f"[metrics] textfile cannot be {path}: node_exporter reads files that end in .prom only",
            hint="name it for example /var/lib/prometheus/node-exporter/towpath.prom",
        )
    told = _families(facts(report, tables=options.tables), options.grouping(report))
    kept = [] if report["outcome"] == "published" else _kept(path, {family.name for family in told})
    prometheus_client.write_to_textfile(str(path), _registry([*told, *kept]))
    # node_exporter is another user, whom a careful umask would keep out.
    path.chmod(0o644)


def push(report: Json, options: MetricsOptions) -> None:
    """Tell a pushgateway, if one is wanted. What a failed run does not know stays there as it was.

    Raises:
        SettingInvalid: it has no readable address, or a label's name is unfit.
        OSError: it did not take them, or not in time.
    """
    if not options.pushgateway:
        return
    from prometheus_client import exposition  # noqa: PLC0415

    gateway = Address.from_url(options.pushgateway, setting="[metrics] pushgateway")
    # The one replaces all that the gateway has of this pipeline, the other what has the same name.
    send = exposition.push_to_gateway if report["outcome"] == "published" else exposition.pushadd_to_gateway
    told = _families(facts(report, tables=options.tables), options.grouping(report))
    sending = functools.partial(
        send,
        gateway.base + gateway.path,
        options.job,
        _registry(told),
        options.grouping(report),
        timeout=options.timeout_seconds,
        handler=functools.partial(exposition.basic_auth_handler, username=gateway.user, password=gateway.password),
    )
    try:
        deadline.within(options.timeout_seconds, sending)
    except urllib.error.HTTPError as answer:
        with answer:
            raise ConnectionError(f"{gateway} did not take them: {answer}") from None
    except OSError as error:
        raise ConnectionError(f"{gateway} did not take them: {error}") from error


def _families(told: Iterable[Fact], grouping: Mapping[str, str]) -> "list[Metric]":
    from prometheus_client.metrics_core import GaugeMetricFamily  # noqa: PLC0415

    found: dict[str, GaugeMetricFamily] = {}
    for name, labels, value in told:
        family = found.setdefault(name, GaugeMetricFamily(name, HELP[name]))
        family.add_sample(name, {**grouping, **labels}, value)
    return list(found.values())


def _kept(path: Path, known: set[str]) -> "list[Metric]":
    """Read of the file as it is now what is neither known anew nor of the last run; none where it is no such file."""
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    try:
        before = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return []
    return [m for m in before if m.name in HELP.keys() - known and not m.name.startswith(OF_LAST_RUN)]


def _registry(families: "list[Metric]") -> "CollectorRegistry":
    from prometheus_client import CollectorRegistry  # noqa: PLC0415

    class Collected:
        def collect(self) -> "list[Metric]":
            return families

    registry = CollectorRegistry()
    registry.register(Collected())
    return registry
