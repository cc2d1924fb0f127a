with landed as (
    select * from {{ source('landing', 'users') }}
),

final as (
    select
        id::integer as user_id,
        first_name::text as first_name,
        last_name::text as last_name,
        email::text as email,
        date_of_birth::date as date_of_birth
    from landed
)

select * from final
