"""Forecasts with their scores by scikit-learn, which is too large to install for one test.

These commands wrote calibration_reference.json:

    pip install scikit-learn==1.9.1
    python -m tests.server.gateway.calibration_reference
"""

import json
from importlib import import_module
from pathlib import Path
from random import Random

import msgspec

from predmarket.units import PRICE_ONE

FILE = Path(__file__).with_suffix(".json")


class Reference(msgspec.Struct):
    """Prices in units, their outcomes, and scikit-learn's scores of them."""

    prices: list[int]
    outcomes: list[bool]
    brier_score: float
    prob_true: list[float]
    prob_pred: list[float]


def references() -> list[Reference]:
    """Return the stored forecasts and scores."""
    return msgspec.json.decode(FILE.read_bytes(), type=list[Reference])


def _score(prices: list[int], outcomes: list[bool]) -> Reference:
    said = [price / PRICE_ONE for price in prices]
    score = import_module("sklearn.metrics").brier_score_loss(outcomes, said)
    curve = import_module("sklearn.calibration").calibration_curve(outcomes, said, n_bins=10)
    return Reference(prices, outcomes, float(score), *(list(map(float, part)) for part in curve))


def main() -> None:
    """Write the file again: prices on and beside each bin's edge, many random ones, and few."""
    random = Random(7)
    edges = [edge + step for edge in range(1_000, 10_000, 1_000) for step in (-1, 0, 1)]
    sets = [[1, 9_999, *edges], [random.randrange(1, 10_000) for _ in range(300)], [2_500, 6_300]]
    found = [_score(prices, [random.random() * 10_000 < one for one in prices]) for prices in sets]
    FILE.write_text(json.dumps(msgspec.to_builtins(found)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
