"""Rows, and the questions asked of them. Every function here is synchronous and runs inside one unit of
work of `vod.catalog.database.Database`; rows hold ids, never paths."""
