{{ config(enabled=(var('version') == 'first')) }}

select count(*) as films from public.films
