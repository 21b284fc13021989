"""Matinee."""
