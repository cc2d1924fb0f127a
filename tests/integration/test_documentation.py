"""What readers see, described: in time, or not at all."""

import pytest

from tasks import documentation
from tasks.dbt_program import DbtOptions
from tests.conftest import DATA, PROJECT


@pytest.mark.parametrize(("timeout_seconds", "limit_seconds"), [(3600, 1), (1, 3600)])
def test_a_dbt_that_hangs_keeps_the_report_and_the_alerts_for_the_shorter_of_two_times(
    destination, tmp_path, timeout_seconds, limit_seconds
):
    hanging = tmp_path / "dbt"
    hanging.write_text("#!/bin/sh\nexec sleep 100\n", encoding="utf-8")
    hanging.chmod(0o755)
    options = DbtOptions(
        executable=str(hanging),
        project=DATA / "small_dbt",
        profiles=PROJECT / "dbt_models",
        schema="analytics",
        threads=1,
        variables="{}",
        timeout_seconds=timeout_seconds,
        readers_timeout_seconds=3,
    )

    told = documentation.document(destination, options, tmp_path / "run", limit_seconds=limit_seconds)

    assert told == {"error": "dbt did not end within 1 s: it said nothing"}
    assert list((tmp_path / "run").iterdir()) == []
