{#
    dbt's own macro would build analytics_silver. Here the folder is the schema: silver.films.

    Towpath has dbt build and test beside what readers see: with <schema>__next as the target's schema, all
    goes into silver__next and gold__next, and moves it to silver and gold once every test has passed. So two targets in
    one database share silver and gold, unless one of them is such a __next.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set suffix = '__next' -%}
    {%- if custom_schema_name is none -%}
        {%- set schema_name = target.schema -%}
    {%- elif target.schema.endswith(suffix) -%}
        {%- set schema_name = custom_schema_name | trim ~ suffix -%}
    {%- else -%}
        {%- set schema_name = custom_schema_name | trim -%}
    {%- endif -%}
    {#- PostgreSQL would cut a longer name without failing, and so could give two schemas one name. -#}
    {%- if schema_name.encode('utf-8') | length > 63 -%}
        {{ exceptions.raise_compiler_error('schema name ' ~ schema_name ~ ' is longer than 63 bytes') }}
    {%- endif -%}
    {{ schema_name }}
{%- endmacro %}
