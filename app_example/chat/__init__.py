"""Rooms in which those who are there talk."""
