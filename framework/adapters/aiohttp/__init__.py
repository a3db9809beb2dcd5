"""The private parts of aiohttp that the framework needs, each with the public way beside it."""
