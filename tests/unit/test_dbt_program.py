from tasks.dbt_program import follower


def test_dbts_lines_become_a_percentage_and_what_has_been_at_work_the_longest():
    told: list[tuple[int, str]] = []
    follow = follower(lambda percentage, text: told.append((percentage, text)))

    for line in (
        "Found 2 models, 2 data tests, 4 sources, 500 macros",
        "1 of 1 START hook: shop.on-run-start.0 ......................................... [RUN]",
        "1 of 1 OK hook: shop.on-run-start.0 ............................................ [OK in 0.01s]",
        "1 of 4 START sql view model silver__next.films ................................. [RUN]",
        "2 of 4 START sql table model gold__next.film_ratings ........................... [RUN]",
        "1 of 4 OK created sql view model silver__next.films ............................ [CREATE VIEW in 0.19s]",
        "3 of 4 START test relationships_film_actors_actor_id__actor_id__ref_actors_ . [RUN]",
        "3 of 4 FAIL 2 relationships_film_actors_actor_id__actor_id__ref_actors_ ..... [FAIL 2 in 0.03s]",
        "2 of 4 ERROR creating sql table model gold__next.film_ratings .................. [ERROR in 0.70s]",
        "4 of 4 SKIP test not_null_film_ratings_film_id ................................. [SKIP]",
        "Done. PASS=1 WARN=0 ERROR=2 SKIP=1 NO-OP=0 TOTAL=4",
    ):
        follow(line)

    assert told == [
        (0, "dbt reads the project"),
        (0, "dbt: 0 of 4 models and tests done, now silver.films"),
        (0, "dbt: 0 of 4 models and tests done, now silver.films"),
        (23, "dbt: 1 of 4 models and tests done, now gold.film_ratings"),
        (23, "dbt: 1 of 4 models and tests done, now gold.film_ratings"),
        (47, "dbt: 2 of 4 models and tests done, now gold.film_ratings"),
        (71, "dbt: 3 of 4 models and tests done"),
        (95, "dbt: 4 of 4 models and tests done"),
    ]
