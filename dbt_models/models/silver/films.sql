with landed as (
    select * from {{ source('landing', 'films') }}
),

final as (
    select
        film_id::integer as film_id,
        title::text as title,
        release_date::date as release_date,
        price::numeric as price,
        rating::text as rating,
        -- No scale: numeric(2, 1) would round 4.49 up to 4.5, into a better category.
        user_rating::numeric as user_rating
    from landed
)

select * from final
