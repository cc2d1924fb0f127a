with landed as (
    select * from {{ source('landing', 'actors') }}
),

final as (
    select
        actor_id::integer as actor_id,
        actor_name::text as actor_name
    from landed
)

select * from final
