select * from {{ ref('ratings') }} where version = 'refused'
