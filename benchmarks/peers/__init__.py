"""Each peer in one file, written as its own documentation recommends."""
