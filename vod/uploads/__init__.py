"""Bytes on their way in: `store` knows uploads and limits, `writer` how bytes reach the disk. Nothing of HTTP."""
