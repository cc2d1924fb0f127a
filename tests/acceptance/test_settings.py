"""A value in luigi.cfg that cannot be read is told by its name, and never shown: it may be a secret."""

import pytest

from tests.conftest import PROJECT
from tests.worlds import Completed, World

SECRET = "Rv7TsecretPart"


def run_with(world: World, line: str, value: str, *words: str) -> Completed:
    """Run with one line of luigi.cfg, the first of that name, set to a value."""
    text = (PROJECT / "luigi.cfg").read_text(encoding="utf-8")
    before, _, after = text.partition(f"\n{line} =")
    file = world.artifacts.parent / "luigi.cfg"
    file.write_text(f"{before}\n{line} = {value}\n{after.partition(chr(10))[2]}", encoding="utf-8")
    return world.run(*words, LUIGI_CONFIG_PATH=str(file))


@pytest.mark.parametrize(
    ("line", "value", "told"),
    [
        ("urls", f'["mailto://u:50%{SECRET}@example.com"]', "urls of [notify] cannot be read"),
        ("urls", f'["mailto://u:{SECRET}@example.com"', "[notify] urls, or $NOTIFY_URLS, is no JSON list"),
        ("on", f'["{SECRET[:2]}"]', f"[notify] on has '{SECRET[:2]}', of which nobody can be told"),
        ("schemas", SECRET, "schemas of [source] cannot be read"),
        ("expected_every", "often", "'often' does not say how often something is to happen"),
    ],
)
def test_it_stops_the_run_before_anything_is_touched(world, line, value, told):
    refused = run_with(world, line, value, "FullPipeline", "--run-id=x")

    assert refused.returncode == 32, refused.stderr
    assert told in refused.stderr
    assert SECRET not in refused.stderr + refused.stdout
    assert "Traceback" not in refused.stderr
    assert world.folder("x").checkpoint("dump").read() is None
