"""The parser's errors in plain words; its own messages speak of types, not of the typed text."""

import re

import typer

from predmarket.nearest import did_you_mean, guess, nearest

_VALUE = re.compile(r"'?(.*?)'? is not (?:a valid|in the range|one of)", re.DOTALL)
_NEGATIVE = re.compile(r"-\.?\d")


def refusal(error: typer.TyperException) -> str:
    """Return the message for an error of the parser."""
    kind = type(error).__name__
    if kind == "NoSuchOption":
        return _no_option(error)
    if kind == "BadOptionUsage":
        name = getattr(error, "option_name", "")
        return f"{name} takes no value" if "not take" in error.message else f"{name} needs a value"
    param = getattr(error, "param", None)
    if param is None:
        if error.message == "Missing command.":
            return "a command is missing"
        extra = re.fullmatch(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", error.message)
        return f"too many arguments: {extra[1]}" if extra else error.format_message()
    if kind == "MissingParameter":
        return f"{_name(param)} is missing{_help(param)}"
    return _bad_value(error, param)


def _no_option(error: typer.TyperException) -> str:
    name = getattr(error, "option_name", "")
    if _NEGATIVE.match(name):
        return "no number here may be below 0"
    # without the dashes, which would make all options similar
    known = {one.lstrip("-"): one for one in getattr(error, "possibilities", None) or ()}
    near = [known[one] for one in nearest(name.lstrip("-"), known)]
    return f"there is no option {name}{did_you_mean(near)}"


def _bad_value(error: typer.TyperException, param: "typer.CallbackParam") -> str:
    found = _VALUE.match(error.message)
    kind = param.type
    if found is None:
        return f"{_name(param)}: {error.message}"
    choices = getattr(kind, "choices", None)
    if choices is not None:
        known = [str(getattr(one, "value", one)) for one in choices]
        name = _name(param)
        wanted = name if "|" in name else f"{name} is one of {', '.join(known)}"
        return f"{wanted}, not {found[1]}{guess(found[1], known)}"
    noun = "a whole number" if kind.name.startswith("int") else "a number"
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    span = "" if low is None else f" from {low}" if high is None else f" from {low} to {high}"
    return f"{_name(param)} is {noun}{span}, not {found[1]}"


def _name(param: "typer.CallbackParam") -> str:
    """Return an option's long name, or an argument's name in the help."""
    if param.param_type_name == "option":
        return max(param.opts, key=len)
    return (param.metavar or param.name or "").removesuffix("...")


def _help(param: "typer.CallbackParam") -> str:
    text = getattr(param, "help", None)
    return f": {text.rstrip('.')}" if text else ""
