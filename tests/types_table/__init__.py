"""The table of types: what becomes of each annotation in each position of a handler's signature."""
