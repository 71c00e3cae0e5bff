"""Holds a finished film against the rules of hls-rules.md, as players will meet it: `examination.examine`."""
