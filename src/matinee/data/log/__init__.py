"""The event log: events, decisions and profiles, durable when acknowledged. Read `log.py` first."""

from matinee.data.log.log import EventLog

__all__ = ["EventLog"]
