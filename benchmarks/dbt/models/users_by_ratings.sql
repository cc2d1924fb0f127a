with ratings as (
    select * from {{ source('landing', 'ratings') }}
),

final as (
    select
        user_id,
        count(*) as ratings,
        count(remark) as remarks
    from ratings
    group by user_id
)

select * from final
