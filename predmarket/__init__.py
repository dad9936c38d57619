"""predmarket: a prediction-market exchange and its trading terminal in one package."""

__version__ = "0.2.0"
