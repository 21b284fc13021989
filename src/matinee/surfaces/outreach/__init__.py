"""Outreach as a decision: whom to write to, about which title and why, or to stay silent. Read
`policy.py` first.
"""
