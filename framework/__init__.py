"""A REST microservice framework on aiohttp, batteries included."""
