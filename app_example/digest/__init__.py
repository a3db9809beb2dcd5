"""What other services have to say, in one answer."""
