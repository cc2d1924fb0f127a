from tasks.postgres import connect
from tests.conftest import DATA

MODELS = f"--dbt-project-dir={DATA / 'small_dbt'}"


def films_shown(destination):
    with connect(destination) as session:
        return int(session.value("select count(*) from analytics.titles"))


def film_added(source):
    with connect(source) as session:
        session.run(
            "insert into public.films select max(film_id) + 1, 'Sequel', '2020-01-01', 1, 'R', 3 from public.films"
        )


def test_a_run_that_was_rolled_back_is_refused_and_a_new_one_goes_on(films, destination, luigi):
    assert luigi("FullPipeline", "--run-id=one", MODELS).returncode == 0
    film_added(films)
    assert luigi("FullPipeline", "--run-id=two", MODELS).returncode == 0
    assert films_shown(destination) == 21

    rolled_back = luigi("RollBack")
    assert (rolled_back.returncode, films_shown(destination)) == (0, 20)
    assert "see load 1 of run one again" in rolled_back.stdout

    refused = luigi("FullPipeline", "--run-id=two", MODELS)
    assert (refused.returncode, films_shown(destination)) == (36, 20)
    assert "rolled back" in refused.stderr + refused.stdout

    film_added(films)
    assert luigi("FullPipeline", "--run-id=three", MODELS).returncode == 0
    assert films_shown(destination) == 22


def test_rolling_back_twice_makes_the_run_complete_again(films, destination, luigi):
    luigi("FullPipeline", "--run-id=one", MODELS)
    film_added(films)
    luigi("FullPipeline", "--run-id=two", MODELS)

    luigi("RollBack")
    forward = luigi("RollBack")

    assert (forward.returncode, films_shown(destination)) == (0, 21)
    again = luigi("FullPipeline", "--run-id=two", MODELS)
    assert (again.returncode, films_shown(destination)) == (0, 21)
    assert "nothing to do" in again.stderr + again.stdout


def test_without_a_version_before_the_command_says_so(films, destination, luigi):
    luigi("FullPipeline", "--run-id=one", MODELS)

    refused = luigi("RollBack")

    assert (refused.returncode, films_shown(destination)) == (30, 20)
    assert "keeps no version before the one that readers see" in refused.stderr + refused.stdout
