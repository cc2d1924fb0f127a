with films as (
    select * from {{ ref('films') }}
),

final as (
    select
        film_id,
        title,
        release_date,
        price,
        rating,
        user_rating
    from films
    where title = {{ text_literal(var('film_title')) }}
)

select * from final
