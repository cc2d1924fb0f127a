with films as (
    select * from {{ ref('films') }}
),

final as (
    select
        film_id,
        title,
        user_rating,
        {{ classify_ratings('user_rating') }} as rating_category,
        release_date
    from films
)

select * from final
