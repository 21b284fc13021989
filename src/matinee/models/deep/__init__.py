"""Networks: what the scorers that learn by gradient descent share. Importing it needs the extra `deep` (torch)."""
