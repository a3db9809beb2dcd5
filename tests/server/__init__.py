"""The edge, spoken to over raw sockets."""
