"""Every test run is watched: for secrets in its logs, and for blocked event loops."""

pytest_plugins = ["tests.watching.plugin"]
