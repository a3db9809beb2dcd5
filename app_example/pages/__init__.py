"""The board for people: pages with forms."""
