"""Policies that choose single titles, out of requests and the catalogue alone."""
