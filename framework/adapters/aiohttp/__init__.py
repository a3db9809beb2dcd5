"""What the framework needs of aiohttp's private parts; see `framework.adapters`."""
