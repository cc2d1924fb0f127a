select
    film_id,
    price,
    '{{ var("version") }}' as version
from public.films
