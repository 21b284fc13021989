"""Scorers: each predicts, for a batch of requests, how much every title would be enjoyed.

    popularity                     what many liked lately, in this context
    neighbors, user_neighbors      titles liked by the same members, members with the same likes
    markov                         which titles follow the last ones
    transition_graph               what is played near what, two steps along, and what is alike
    slim, linear_autoencoder, sparse_inverse      one linear map from a history to every title: sparse, exact, local
    factors                        a low-rank picture of taste, members folded in at request time
    content/                       titles by what they are
    factorization_machine, two_tower, feed_forward      a request and a title meet in a network
    sequence                       a network reads the history in order; its parts and the training loop are in deep/
    ranking/                       boosted trees over what the others say

    artifact, storage, widen       a fitted scorer on disk: verified, of one catalogue, also when that grew
    budget, memory                 what a scorer may cost
    exact_index, approximate_index the best of many titles for a vector

`cold_start` blends popularity into all of them while a history is short.
"""
