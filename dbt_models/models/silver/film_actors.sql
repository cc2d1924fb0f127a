with landed as (
    select * from {{ source('landing', 'film_actors') }}
),

final as (
    select
        film_id::integer as film_id,
        actor_id::integer as actor_id
    from landed
)

select * from final
