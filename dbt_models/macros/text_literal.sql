{#- For a title like Schindler's List, and for one like 1917, which a variable holds as a number. -#}
{% macro text_literal(value) -%}
    '{{ value | string | replace("'", "''") }}'
{%- endmacro %}
