{#- The one place with the boundaries. An unrated film (null) is not a poor one. -#}
{% macro classify_ratings(column) -%}
    case
        when {{ column }} is null then 'Unrated'
        when {{ column }} >= 4.5 then 'Excellent'
        when {{ column }} >= 4.0 then 'Good'
        when {{ column }} >= 3.0 then 'Average'
        else 'Poor'
    end
{%- endmacro %}
