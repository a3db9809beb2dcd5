"""The same documents in the dialect of each validation library."""
