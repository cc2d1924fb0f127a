with ratings as (
    select * from {{ source('landing', 'ratings') }}
),

final as (
    select
        date_trunc('month', rated_at, 'UTC') as rated_in,
        stars,
        count(*) as ratings
    from ratings
    group by date_trunc('month', rated_at, 'UTC'), stars
)

select * from final
