"""The trader's own keys: the valid ones, and the messages for the others."""

from pathlib import Path

import pytest

from predmarket.cli.app import run
from predmarket.tui import bindings, keymap
from predmarket.tui.bindings import refuse


def test_no_key_means_two_things_as_delivered() -> None:
    """No key occurs twice in bindings that are active at once."""
    as_delivered = {name: binding.key for name, binding in bindings.named().items()}
    assert [*bindings.clashes(as_delivered)] == []
    for keys in as_delivered.values():
        assert all(map(bindings.known, keys.split(","))), keys


@pytest.mark.parametrize(
    ("bound", "refused"),
    [
        ({"ladder.buy": "B,("}, "ladder.buy: the key B is taken by ladder.buy_second"),
        ({"ladder.buy": "s", "ladder.sell": "b"}, ""),  # the keys swap
        ({"ladder.buy": "s"}, "ladder.buy: the key s is taken by ladder.sell"),
        ({"ladder.buy": "ctrl+q"}, "ladder.buy: the key ctrl+q is taken by app.quit"),
        ({"ladder.buy": "/"}, "ladder.buy: the key slash is taken by trading.search"),
        ({"ladder.buy": "a"}, ""),  # amends in a table, which never has the keyboard then
        ({"ladder.buy": "f99"}, "ladder.buy: there is no key f99"),
        ({"ladder.buy": "ctl+k"}, "ladder.buy: there is no key ctl+k"),
        ({"lader.buy": "f12"}, "no binding is named lader.buy; did you mean ladder.buy?"),
        ({"app.portfolio": "f11"}, ""),  # F4 still leads back from the portfolio
    ],
)  # fmt: skip
def test_what_is_refused(bound: dict[str, str], refused: str) -> None:
    """A refusal has a message with the probable name; the other keys apply."""
    good, wrong = refuse(bound)
    assert wrong == ([f"keys.toml: {refused}"] if refused else [])
    assert good == {name: keys for name, keys in bound.items() if name not in refused}


def test_what_is_refused_frees_no_key_of_another() -> None:
    """A refused binding gets its default key back, and so does the key's other user."""
    bound = {"ladder.buy": "f99", "ladder.sell": "b"}
    good, wrong = refuse(bound)
    assert good == {}
    assert wrong[1:] == ["keys.toml: ladder.sell: the key b is taken by ladder.buy"]


def test_the_command_line_checks_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check needs no terminal or exchange; its exit code tells whether all is valid."""
    monkeypatch.setenv("PREDMARKET_CONFIG_DIR", str(tmp_path))
    file = tmp_path / keymap.FILE
    file.write_text('size = [1, 2]\n[keys]\n"app.kill" = "f99"\n', encoding="utf-8")
    assert run(["tui", "--check"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "keys.toml: app.kill: there is no key f99\n" in said.err
    assert "keys.toml: size means nothing here\n" in said.err
    file.write_text('sizes = [1, 2]\n[keys]\n"app.kill" = "f12"\n', encoding="utf-8")
    assert run(["tui", "--check"]) == 0
