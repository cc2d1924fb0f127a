"""What is wrong in luigi.cfg is told by its name, and the value never shown: it may be a secret."""

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


def run_besides(world: World, lines: str, *words: str) -> Completed:
    """Run with a file read besides luigi.cfg."""
    file = world.artifacts.parent / "besides.cfg"
    file.write_text(lines, encoding="utf-8")
    return world.run(*words, LUIGI_CONFIG_PATH=str(file))


@pytest.mark.parametrize(
    ("section", "key", "near"),
    [
        ("notify", "url", "urls"),
        ("source", "url", "uri"),
        ("metrics", "push_gateway", "pushgateway"),
        ("lineage", "apikey", "api_key"),
        ("lineage", "URL", "url"),
    ],
)
def test_a_misspelt_name_stops_the_run_too_and_the_value_behind_it_is_not_shown(world, section, key, near):
    refused = run_besides(world, f"[{section}]\n{key} = x://u:{SECRET}@example.com", "FullPipeline", "--run-id=x")

    assert refused.returncode == 32, refused.stderr
    assert f"[{section}] has no setting {key}; nothing was changed" in refused.stderr
    assert f"did you mean {near}?" in refused.stderr
    assert SECRET not in refused.stderr + refused.stdout
    assert "Traceback" not in refused.stderr
    assert world.folder("x").checkpoint("dump").read() is None


def test_what_is_set_for_other_values_to_be_made_of_is_not_shown_and_stops_nothing(world):
    lines = f"[DEFAULT]\nmail-password = {SECRET}\n[notify]\nurls = json://u:%(mail-password)s@127.0.0.1\n"

    done = run_besides(world, f"{lines}timeout-seconds = 20\n", "Preflight", "--run-id=x")

    assert done.returncode == 0, done.stderr
    assert "json will be told of failure" in done.stdout
    assert SECRET not in done.stderr + done.stdout


def test_a_line_that_cannot_be_read_is_not_shown_where_a_flag_stands_in_for_it_either(world):
    refused = run_besides(world, f"[notify]\nurls = %{SECRET}", "FullPipeline", "--run-id=x", "--notify-urls=[]")

    assert refused.returncode == 32, refused.stderr
    assert "urls of [notify] cannot be read" in refused.stderr
    assert SECRET not in refused.stderr + refused.stdout


def test_to_try_alerts_no_times_is_refused(world):
    refused = world.run("FullPipeline", "--run-id=x", "--notify-tries=0")

    assert refused.returncode == 32, refused.stderr
    assert "tries cannot be 0; nothing was changed" in refused.stderr
