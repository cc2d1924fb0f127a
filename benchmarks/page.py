"""`benchmarks/README.md`, made anew from all figures that are there.

.venv/bin/python -m benchmarks.page
"""

from pathlib import Path

from benchmarks import report_changes, report_copy, report_proof, report_sample, report_scale

PAGE = Path(__file__).with_name("README.md")

_HEAD = """# What it costs

Written by the commands below from what they measured (`figures/`); each of them writes its own part anew. All of them
work on Towpath's own embedded servers, with the settings that these have, in a folder below `$TMPDIR` that is gone at
the end, also after Ctrl-C. Seconds hold for the machine that is named; ratios travel better.

| command | what it measures |
| --- | --- |
| `make bench` (`SIZE=small`, `medium` or `large`; `ROUNDS=3`) | a full copy, by Towpath and by others |
| `make bench-scale` (`ARGS="--megabytes 10 100 1000 --tables 10 100 1000 5000"`) | larger and larger copies |
| `make bench-changes` (`ROUNDS=3`) | the next run, when more and more has changed |
| `make bench-sample` (`ROUNDS=5`) | the sample from end to end, by Towpath and by a shell script |
| `.venv/bin/python -m benchmarks.proof` | what `[verify] level` costs |
"""


def write() -> None:
    """Write the page and its pictures."""
    parts = [
        _HEAD,
        *report_copy.sections(),
        *report_scale.sections(),
        *report_changes.sections(),
        *report_sample.sections(),
        *report_proof.sections(),
    ]
    PAGE.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    write()
