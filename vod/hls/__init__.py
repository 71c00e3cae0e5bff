"""Source in; plan, argv, segments and playlists out. Pure but for `cutter` (bytes in, files out) and `verify`."""
