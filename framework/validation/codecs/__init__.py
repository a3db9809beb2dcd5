"""Types, one entry for each: annotation, field, loading, dumping, and what an OpenAPI document says of it."""
