"""A schema as functions: generated source that loads and dumps, and marshmallow where that leaves it to decide."""
