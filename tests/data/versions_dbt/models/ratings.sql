{{ config(indexes=[{'columns': ['film_id'], 'unique': true}]) }}

select
    film_id,
    title,
    user_rating,
    '{{ var("version") }}' as version
    {%- if var('version') == 'broken' %},
    no_such_column
    {%- endif %}
from public.films
