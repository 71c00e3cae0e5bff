"""Subtitles as cues: whatever format they come in, cleaned, timed from time 0 of the film. Nothing of HLS."""
