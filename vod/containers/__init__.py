"""Containers read from the outside: ISO base media files and Matroska, strictly and under limits. Nothing of HLS."""
