"""The ffmpeg binaries: starting them safely, asking ffprobe what an original is. Nothing of HLS."""
