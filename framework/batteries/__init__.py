"""What a service can have: one module each, all of the same four parts, none knowing another."""
