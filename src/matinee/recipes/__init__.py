"""Recipes: the models by name, and whole systems as Python functions: training, serving, evaluation, the demo."""
