{#- A whole model, for any three relations with the columns of silver's films, film_actors and actors. -#}
{% macro generate_film_ratings(films, film_actors, actors) -%}
with films as (
    select * from {{ films }}
),

film_actors as (
    select * from {{ film_actors }}
),

actors as (
    select * from {{ actors }}
),

-- No distinct: namesakes are two people, and a repeated row is a fault for the tests to find.
casts as (
    select
        film_actors.film_id,
        string_agg(actors.actor_name, ', ' order by actors.actor_name) as actors
    from film_actors
    inner join actors on film_actors.actor_id = actors.actor_id
    group by film_actors.film_id
),

final as (
    select
        films.film_id,
        films.title,
        films.release_date,
        films.price,
        films.rating,
        films.user_rating,
        {{ classify_ratings('films.user_rating') }} as rating_category,
        casts.actors
    from films
    left join casts on films.film_id = casts.film_id
)

select * from final
{%- endmacro %}
