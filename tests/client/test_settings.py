"""flag > environment > profile file > default."""

from pathlib import Path

import pytest

from predmarket.client import ConfigurationError
from predmarket.client.settings import Setting, resolve

FILE = """\
default_profile = "practice"

[profiles.practice]
url = "https://practice.example.com/"
"""


def environ(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment with its configuration in ``folder``."""
    return {"PREDMARKET_CONFIG_DIR": str(folder), **more}


def test_defaults(tmp_path: Path) -> None:
    """With nothing set, the exchange on this machine."""
    settings = resolve(environ=environ(tmp_path))
    assert Setting("http://127.0.0.1:8000", "default") == settings.url
    assert Setting("default", "default") == settings.profile
    assert Setting(str(tmp_path), "env") == settings.config_dir
    assert settings.api_key is None


def test_each_source_goes_before_the_next(tmp_path: Path) -> None:
    """And each value says where it came from."""
    (tmp_path / "config.toml").write_text(FILE)
    env = environ(tmp_path, PREDMARKET_URL="http://env", PREDMARKET_PROFILE="other")
    from_file = resolve(environ=environ(tmp_path))
    assert Setting("practice", "profile") == from_file.profile
    assert Setting("https://practice.example.com", "profile") == from_file.url
    from_env = resolve(environ=env)
    assert Setting("other", "env") == from_env.profile
    assert Setting("http://env", "env") == from_env.url
    from_flags = resolve("http://flag", "practice", env)
    assert Setting("practice", "flag") == from_flags.profile
    assert Setting("http://flag", "flag") == from_flags.url


@pytest.mark.parametrize(
    "url", ["", "host:80", "ftp://h", "http://", "http://u:SECRET@h", "http://a b"]
)
def test_an_address_that_is_none(tmp_path: Path, url: str) -> None:
    """It is refused without being quoted, since it may hold a password."""
    with pytest.raises(ConfigurationError, match="address") as caught:
        resolve(url, environ=environ(tmp_path))
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "../x", "a b", "x" * 65])
def test_a_profile_that_is_no_name(tmp_path: Path, name: str) -> None:
    """Letters, digits, dots, dashes, underscores."""
    with pytest.raises(ConfigurationError, match="profile"):
        resolve(profile=name, environ=environ(tmp_path))


@pytest.mark.parametrize(
    "text", ["=", "default_profile = 1", "profiles = 1", "[profiles.default]\nurl = 3"]
)
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str) -> None:
    """One clear error, whatever is wrong."""
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"config\.toml"):
        resolve(environ=environ(tmp_path))
