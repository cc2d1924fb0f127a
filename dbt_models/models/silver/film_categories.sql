with landed as (
    select * from {{ source('landing', 'film_category') }}
),

final as (
    select
        -- The source's name misleads: it numbers the pair of film and category, not the category.
        category_id::integer as film_category_id,
        film_id::integer as film_id,
        category_name::text as category_name
    from landed
)

select * from final
