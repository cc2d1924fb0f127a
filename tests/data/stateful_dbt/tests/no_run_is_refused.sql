select film_id from {{ ref('prices_over_time') }} where '{{ var("run") }}' = 'refused'
