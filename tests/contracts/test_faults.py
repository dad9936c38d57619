"""The syntax of faults on demand."""

import pytest

from predmarket.contracts.faults import FaultSpec, FaultSyntaxError, Lengths

EVERYTHING = "latency=50ms±20ms,loss=0.01,cut=30s,reject=0.001,slow-feed=4kB/s,seed=7"


def test_texts_of_faults() -> None:
    """A text can name every fault, and a specification prints as the text it was read from."""
    spec = FaultSpec.read(EVERYTHING)
    assert spec == FaultSpec(
        Lengths(50_000, 20_000), 10_000, Lengths(30_000_000, 0), 1_000, 4_000, 7
    )
    assert str(spec) == EVERYTHING
    assert FaultSpec.read(" latency = 1.5s+-500ms , loss=1 ") == FaultSpec(
        Lengths(1_500_000, 500_000), 1_000_000
    )
    assert str(FaultSpec.read("cut=1m,slow-feed=2MB/s,loss=0.5")) == (
        "loss=0.5,cut=60s,slow-feed=2MB/s"
    )
    for nothing in ("none", "loss=0", "seed=7", " none "):
        assert FaultSpec.read(nothing).is_none
    assert str(FaultSpec.read("loss=0")) == "none"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a fault is missing: there are latency, loss, cut, reject, slow-feed, seed; or none"),
        ("loss=0.1,", "a fault is missing"),
        ("none,loss=1", "'none' is no fault"),
        ("delay=50ms", "'delay' is no fault"),
        ("loss", "loss needs one value"),
        ("loss=0.1,loss=0.2", "loss needs one value"),
        ("loss=1.1", "loss must lie between 0 and 1"),
        ("reject=-0.1", "reject must lie between 0 and 1"),
        ("loss=1%", "loss is not a decimal number"),
        ("loss=0.00000001", "loss has more than 6 decimals"),
        ("loss=NaN", "loss is not a finite number"),
        ("latency=50", "latency must be like 50ms"),
        ("latency=50ms±60ms", "latency must not be negative"),
        ("latency=0ms", "latency must lie between 1ms and 60s"),
        ("latency=2m", "latency must lie between 1ms and 60s"),
        ("cut=5ms", "cut must lie between 10ms and 3600s"),
        ("cut=-1s", "cut must be like 50ms"),
        ("slow-feed=0B/s", "slow-feed must be like 500B/s"),
        ("slow-feed=4kB", "slow-feed must be like 500B/s"),
        ("seed=-1", "seed must be a whole number"),
        ("seed=²", "seed must be a whole number"),
    ],
)
def test_errors_name_the_invalid_fault(text: str, told: str) -> None:
    """The error names the invalid part of a fault and the reason."""
    with pytest.raises(FaultSyntaxError) as caught:
        FaultSpec.read(text)
    assert str(caught.value).startswith(told)
