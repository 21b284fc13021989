"""Scorers: each predicts, for a batch of requests, how much every title would be enjoyed.

    popularity           what many liked lately, in this context
    neighbors            titles liked by the same members
    factors              iALS: a low-rank picture of taste, members folded in at request time
    linear_autoencoder   EASE: one linear map from a history to every title, in closed form
    artifact             a fitted scorer on disk: verified, of one catalogue, with its calibration

`cold_start` blends popularity into all of them while a history is short; `storage` is how they write arrays.
"""
