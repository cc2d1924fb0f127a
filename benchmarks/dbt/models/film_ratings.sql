with films as (
    select * from {{ source('landing', 'films') }}
),

ratings as (
    select * from {{ source('landing', 'ratings') }}
),

rated as (
    select
        film_id,
        count(*) as ratings,
        avg(stars) as average_stars,
        max(rated_at) as last_rated_at
    from ratings
    group by film_id
),

final as (
    select
        films.film_id,
        films.title,
        films.released,
        coalesce(rated.ratings, 0) as ratings,
        rated.average_stars,
        rated.last_rated_at
    from films
    left join rated on films.film_id = rated.film_id
)

select * from final
