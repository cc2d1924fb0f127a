with films as (
    select * from {{ ref('film_ratings') }}
),

casts as (
    select * from {{ source('landing', 'film_actors') }}
),

actors as (
    select * from {{ source('landing', 'actors') }}
),

final as (
    select
        actors.actor_id,
        actors.actor_name,
        count(*) as films,
        sum(films.ratings) as ratings
    from casts
    inner join films on casts.film_id = films.film_id
    inner join actors on casts.actor_id = actors.actor_id
    group by actors.actor_id, actors.actor_name
)

select * from final
