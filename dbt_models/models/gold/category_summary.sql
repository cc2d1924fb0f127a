with film_categories as (
    select * from {{ ref('film_categories') }}
),

films as (
    select * from {{ ref('films') }}
),

final as (
    select
        film_categories.category_name,
        count(*) as film_count,
        round(avg(films.user_rating), 2) as mean_user_rating,
        round(avg(films.price), 2) as mean_price
    from film_categories
    inner join films on film_categories.film_id = films.film_id
    group by film_categories.category_name
)

select * from final
