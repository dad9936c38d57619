"""Precedence of settings: flag, environment, profile file, default."""

import json
from pathlib import Path

import pytest

from predmarket.client import ConfigurationError
from predmarket.client.settings import Setting, profiles, resolve

FILE = """\
default_profile = "practice"

[profiles.practice]
url = "https://practice.example.com/"
"""


def environ(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment with its configuration in ``folder``."""
    return {"PREDMARKET_CONFIG_DIR": str(folder), **more}


def test_defaults(tmp_path: Path) -> None:
    """Without settings the address is the exchange on this machine."""
    settings = resolve(environ=environ(tmp_path))
    assert Setting("http://127.0.0.1:8000", "default") == settings.url
    assert Setting("default", "default") == settings.profile
    assert Setting(str(tmp_path), "env") == settings.config_dir
    assert settings.api_key is None


def test_each_source_goes_before_the_next(tmp_path: Path) -> None:
    """Each source takes precedence over the next, and each value has its origin."""
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
    """An invalid address is refused without quoting it, since it may hold a password."""
    with pytest.raises(ConfigurationError, match="address") as caught:
        resolve(url, environ=environ(tmp_path))
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "../x", "a b", "x" * 65])
def test_a_profile_that_is_no_name(tmp_path: Path, name: str) -> None:
    """A profile's name has letters, digits, dots, dashes and underscores only."""
    with pytest.raises(ConfigurationError, match="profile"):
        resolve(profile=name, environ=environ(tmp_path))


@pytest.mark.parametrize(
    "text", ["=", "default_profile = 1", "profiles = 1", "[profiles.default]\nurl = 3"]
)
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str) -> None:
    """An unusable file gives one clear error."""
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"config\.toml"):
        resolve(environ=environ(tmp_path))


def test_a_file_of_the_folder(tmp_path: Path) -> None:
    """The folder's .env ranks between environment and profile, as for the exchange."""
    (tmp_path / "config.toml").write_text(FILE)
    file = tmp_path / ".env"
    file.write_text("PREDMARKET_URL=http://127.0.0.1:7\nPREDMARKET_API_KEY=k\nPREDMARKET_PORT=7\n")
    found = resolve(environ=environ(tmp_path), env_file=file)
    assert Setting("http://127.0.0.1:7", ".env") == found.url
    assert Setting("k", ".env") == found.api_key
    found = resolve(environ=environ(tmp_path, PREDMARKET_URL="http://env"), env_file=file)
    assert Setting("http://env", "env") == found.url
    assert Setting("http://flag", "flag") == resolve("http://flag", env_file=file).url


def test_a_file_of_the_folder_does_not_get_a_key(tmp_path: Path) -> None:
    """A folder's .env cannot send the key to a foreign address, only to this machine."""
    file = tmp_path / ".env"
    env = environ(tmp_path, PREDMARKET_API_KEY="k")
    file.write_text("PREDMARKET_URL=http://127.0.0.1:7\n")
    assert resolve(environ=env, env_file=file).url.value == "http://127.0.0.1:7"
    file.write_text("PREDMARKET_URL=https://example.org\n")
    with pytest.raises(ConfigurationError, match="PREDMARKET_API_KEY"):
        resolve(environ=env, env_file=file)
    assert resolve("https://example.org", environ=env, env_file=file).api_key


def test_a_file_of_the_folder_that_is_none(tmp_path: Path) -> None:
    """A .env that is not text is refused; a folder of that name is ignored."""
    (tmp_path / ".env").mkdir()
    assert resolve(environ=environ(tmp_path), env_file=tmp_path / ".env").url.origin == "default"
    (tmp_path / "bad").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="cannot read"):
        resolve(environ=environ(tmp_path), env_file=tmp_path / "bad")


@pytest.mark.parametrize("name", ["prcatice", "practic", "pratice", "Practice", "prac-tice"])
def test_a_mistyped_profile(tmp_path: Path, name: str) -> None:
    """A mistyped profile is refused, except by login, which creates it."""
    (tmp_path / "config.toml").write_text(FILE)
    with pytest.raises(ConfigurationError, match=f"no profile {name}; did you mean practice"):
        resolve(profile=name, environ=environ(tmp_path))
    assert resolve(profile=name, environ=environ(tmp_path), new_profile=True).profile.value == name
    (tmp_path / "session.json").write_text(json.dumps({"sessions": {f"{name} http://h": {}}}))
    assert resolve(profile=name, environ=environ(tmp_path)).profile.value == name
    assert profiles(tmp_path) == sorted(["practice", name])


@pytest.mark.parametrize("name", ["practice2", "bob", "practise-more"])
def test_another_profile(tmp_path: Path, name: str) -> None:
    """A profile whose name resembles none is new, whatever digits it ends in."""
    (tmp_path / "config.toml").write_text(FILE)
    assert resolve(profile=name, environ=environ(tmp_path)).profile.value == name


def test_a_mistyped_setting(tmp_path: Path) -> None:
    """A mistyped variable is refused; a dissimilar one is ignored."""
    for name in ("PREDMARKET_ULR", "PREDMARKET_APIKEY"):
        with pytest.raises(ConfigurationError, match=f"{name} is no setting; did you mean"):
            resolve(environ=environ(tmp_path, **{name: "x"}))
    resolve(environ=environ(tmp_path, PREDMARKET_DATADIR="x", PREDMARKET_SERVICE_HOST="x"))
