"""What pg_dump does silently and a COPY by itself does not: each case in a database of its own, compared in full."""

import pytest

from tests.conftest import DATA, run_sql_file
from tests.integration.comparing import differences, everything
from tests.integration.copying import copied

CASES = {path.stem: path for path in sorted((DATA / "special_cases").glob("*.sql"))}


@pytest.mark.parametrize("case", list(CASES))
def test_every_special_case_arrives_as_it_is_at_the_source(source, destination, tools, tmp_path, case):
    run_sql_file(source, CASES[case])

    copied(source, destination, tools, tmp_path)

    at_the_source = everything(source)
    assert len(at_the_source["relations"]) > 1
    assert "\n".join(differences(at_the_source, everything(destination))) == ""


@pytest.mark.parametrize("case", list(CASES))
def test_every_special_case_that_did_not_change_is_not_loaded_again(source, destination, tools, tmp_path, case):
    run_sql_file(source, CASES[case])
    copied(source, destination, tools, tmp_path / "first")

    load = copied(source, destination, tools, tmp_path / "second")

    assert load.unchanged == load.tables
    assert "\n".join(differences(everything(source), everything(destination))) == ""
