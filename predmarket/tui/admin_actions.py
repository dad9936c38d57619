"""Every action of the admin screen as a value, as actions.py has those of traders."""

from collections.abc import Sequence

from predmarket.client import calls, response_types
from predmarket.enums import MarketStatus, Outcome, Role
from predmarket.tui.actions import Action, shell


def create_market(
    slug: str,
    question: str,
    *,
    description: str | None = None,
    tick: str | None = None,
    maker_fee: str | None = None,
    taker_fee: str | None = None,
    closes_at: str | None = None,
    draft: bool = False,
) -> Action[response_types.Market]:
    """Create a market."""
    words = ["market", "create", slug, question]
    words += _flags(
        description=description,
        tick=tick,
        maker_fee=maker_fee,
        taker_fee=taker_fee,
        closes_at=closes_at,
    )
    call = calls.create_market(
        slug,
        question,
        description=description,
        tick_size=tick,
        maker_fee_rate=maker_fee,
        taker_fee_rate=taker_fee,
        closes_at=closes_at,
        status=MarketStatus.DRAFT if draft else None,
    )
    return Action(call, shell(words + ["--draft"] * draft), f"create {slug}")


_VERBS = {MarketStatus.OPEN: "open", MarketStatus.HALTED: "halt", MarketStatus.CLOSED: "close"}


def change_market(slug: str, status: MarketStatus) -> Action[response_types.Market]:
    """Open, halt or close a market."""
    verb = _VERBS[status]
    return Action(
        calls.update_market(slug, status=status), shell(["market", verb, slug]), f"{verb} {slug}"
    )


def resolve_market(
    slug: str,
    outcome: Outcome,
    price: str | None,
    after: str | None = None,
    note: str | None = None,
    source: str | None = None,
) -> Action[response_types.Resolution]:
    """Resolve or void a market, finally; ``after`` a span it is only proposed."""
    how = price if outcome is Outcome.SCALAR and price is not None else str(outcome)
    words = ["market", "resolve", slug, how]
    words += _flags(after=after, note=note, source=source)
    return Action(
        calls.resolve_market(slug, outcome, price, note=note, source=source, after=after),
        shell(words),
        f"{'resolve' if after is None else 'propose'} {slug} {how}",
    )


def confirm_proposal(slug: str, seen: response_types.Proposal) -> Action[response_types.Resolution]:
    """Make the proposed resolution of a market that was ``seen``, finally."""
    return Action(calls.confirm_proposal(slug, seen), *_of_proposal("market", "confirm", slug))


def confirm_event_proposal(
    slug: str, seen: response_types.EventProposal
) -> Action[response_types.EventResolution]:
    """Make the proposed resolution of an event that was ``seen``, finally."""
    call = calls.confirm_event_proposal(slug, seen)
    return Action(call, *_of_proposal("event", "confirm", slug))


def withdraw_proposal(slug: str) -> Action[response_types.Market]:
    """Withdraw a market's proposed resolution."""
    return Action(calls.withdraw_proposal(slug), *_of_proposal("market", "withdraw", slug))


def withdraw_event_proposal(slug: str) -> Action[response_types.Event]:
    """Withdraw an event's proposed resolution."""
    return Action(calls.withdraw_event_proposal(slug), *_of_proposal("event", "withdraw", slug))


def _of_proposal(kind: str, verb: str, slug: str) -> tuple[str, str]:
    """Return the command and the words of an act on a proposal."""
    return shell([kind, "proposal", verb, slug]), f"{verb} what is proposed for {slug}"


def transfer(who: str, amount: str, reason: str) -> Action[response_types.Transfer]:
    """Deposit to, or with a negative amount withdraw from, an account."""
    command = shell(["transfer", "create", who, amount, "--reason", reason])
    return Action(calls.transfer(who, amount, reason), command, f"transfer {amount} to {who}")


def update_user(
    user: int, email: str, *, role: Role | None = None, disabled: bool | None = None
) -> Action[response_types.User]:
    """Change an account's role, disable or enable it."""
    words = ["user", "update", email, *_flags(role=None if role is None else role.lower())]
    if disabled is not None:
        words.append("--disable" if disabled else "--enable")
    call = calls.update_user(user, role=role, disabled=disabled)
    return Action(call, shell(words), f"update {email}")


def create_user(
    email: str,
    *,
    name: str | None = None,
    role: Role | None = None,
    credit: str | None = None,
    group: str | None = None,
) -> Action[response_types.NewUser]:
    """Make an account with a one-time code."""
    shown = None if role is None else role.lower()
    words = ["user", "create", email, *_flags(name=name, role=shown, credit=credit, group=group)]
    call = calls.create_user(email, full_name=name, role=role, credit=credit, group=group)
    return Action(call, shell(words), f"create the account {email}")


def reset_user(user: int, email: str) -> Action[response_types.UserCode]:
    """Give an account a new one-time code."""
    return Action(calls.reset_user(user), shell(["user", "reset", email]), f"reset {email}")


def create_invite(
    *,
    uses: int | None = None,
    expires: str | None = None,
    credit: str | None = None,
    group: str | None = None,
) -> Action[response_types.NewInvite]:
    """Make an invitation."""
    flags = _flags(
        uses=None if uses is None else str(uses), expires=expires, credit=credit, group=group
    )
    call = calls.create_invite(uses=uses, expires_at=expires, credit=credit, group=group)
    return Action(call, shell(["invite", "create", *flags]), "create an invitation")


def revoke_invite(invite: int) -> Action[None]:
    """Revoke an invitation, for ever."""
    command = shell(["invite", "revoke", str(invite)])
    return Action(calls.revoke_invite(invite), command, f"revoke invitation {invite}")


def create_group(name: str) -> Action[response_types.UserGroup]:
    """Make a group of accounts."""
    command = shell(["group", "create", name])
    return Action(calls.create_group(name), command, f"create the group {name}")


def add_member(group: str, user: int, email: str) -> Action[None]:
    """Add an account to a group."""
    command = shell(["group", "add", group, email])
    return Action(calls.add_member(group, user), command, f"add {email} to {group}")


def remove_member(group: str, user: int, email: str) -> Action[None]:
    """Remove an account from a group."""
    command = shell(["group", "remove", group, email])
    return Action(calls.remove_member(group, user), command, f"remove {email} from {group}")


def start_season(name: str, credit: str | None = None) -> Action[response_types.StartedSeason]:
    """Start a season, or go on with its start."""
    command = shell(["season", "start", name, *_flags(credit=credit)])
    return Action(calls.start_season(name, credit=credit), command, f"start {name}")


def end_season(name: str) -> Action[response_types.Season]:
    """End a season, for good."""
    return Action(calls.end_season(name), shell(["season", "end", name]), f"end {name}")


def import_all(
    kind: str, file: str, bodies: Sequence[dict[str, object]], *, dry_run: bool = False
) -> Action[response_types.ImportReport]:
    """Create the markets or the events of a file, or only check them. ``kind`` is markets or
    events."""
    words = [kind.removesuffix("s"), "import", file] + ["--dry-run"] * dry_run
    call = (
        calls.import_all(markets=bodies, dry_run=dry_run)
        if kind == "markets"
        else calls.import_all(events=bodies, dry_run=dry_run)
    )
    return Action(call, shell(words), f"{'check' if dry_run else 'import'} {file}")


def _flags(**values: str | None) -> list[str]:
    """Return the options that have a value, as a command line has them."""
    given = ((name, value) for name, value in values.items() if value is not None)
    return [word for name, value in given for word in (f"--{name.replace('_', '-')}", value)]
