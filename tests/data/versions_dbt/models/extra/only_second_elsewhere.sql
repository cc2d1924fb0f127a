{{ config(enabled=(var('version') == 'second')) }}

select max(price) as highest_price from public.films
