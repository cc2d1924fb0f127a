with actors as (
    select * from {{ ref('actors') }}
),

film_actors as (
    select * from {{ ref('film_actors') }}
),

films as (
    select * from {{ ref('films') }}
),

-- By key, not by name: namesakes keep their own films.
careers as (
    select
        film_actors.actor_id,
        count(*) as film_count,
        extract(year from min(films.release_date))::integer as first_year,
        extract(year from max(films.release_date))::integer as last_year,
        round(avg(films.user_rating), 2) as mean_user_rating
    from film_actors
    inner join films on film_actors.film_id = films.film_id
    group by film_actors.actor_id
),

final as (
    select
        actors.actor_id,
        actors.actor_name,
        coalesce(careers.film_count, 0) as film_count,
        careers.first_year,
        careers.last_year,
        careers.mean_user_rating
    from actors
    left join careers on actors.actor_id = careers.actor_id
)

select * from final
