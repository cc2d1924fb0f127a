{{ generate_film_ratings(films=ref('films'), film_actors=ref('film_actors'), actors=ref('actors')) }}
