"""Source in; plan, argv, segments and playlists out.

Pure but for `cutter` (bytes in, files out) and what looks at those files: `verify`, `progress`, `multivariant.measure`.
"""
