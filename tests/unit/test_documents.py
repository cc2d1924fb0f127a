"""What the documents and the workflows name is there."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PROJECT

WORKFLOWS = (PROJECT / ".github").rglob("*.yml")
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"), *WORKFLOWS])
LINK = re.compile(r"\]\(([^)#]+)")
# A path as prose and code name it: `tasks/sql`, `bash .ci/run`.
NAMED = re.compile(r"(?<![\w./-])((?:tasks|tests|docs|benchmarks|\.ci|deploy|source_db_init)/[\w./-]*\w)")
COMMAND = re.compile(r"(?:`|^    |run: )make ([a-z-]+)", re.MULTILINE)


def named(document: Path) -> str:
    return str(document.relative_to(PROJECT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_file_that_a_document_links_to_or_names_is_there(document):
    text = document.read_text(encoding="utf-8")
    links = [document.parent / link for link in LINK.findall(text) if "://" not in link]
    paths = [PROJECT / path for path in NAMED.findall(re.sub(r"\]\([^)]*\)", "", text))]

    assert [str(path) for path in links + paths if not path.exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_make_command_that_a_document_names_is_there(document):
    told = subprocess.run(["make", "help"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout

    commands = COMMAND.findall(document.read_text(encoding="utf-8"))

    assert [name for name in commands if not re.search(rf"^  {name} ", told, re.MULTILINE)] == []


def test_a_release_moves_no_tag_but_its_own():
    """One that goes by `latest` would go back with the next release of an older line."""
    text = (PROJECT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8")

    assert re.findall(r'(?:--tag|docker push) "[^"]*:([^"]*)"', text) == ["${GITHUB_REF_NAME#v}"] * 2
    assert "--all-tags" not in text
