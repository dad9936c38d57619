"""Command: transfer create."""

from typing import Annotated
from uuid import uuid4

import typer

from predmarket.cli import context, order_layouts, prompt
from predmarket.cli.failure import usage
from predmarket.cli.numbers import MONEY, number
from predmarket.client import ClientError
from predmarket.exit_codes import ExitCode


def create(
    ctx: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The account: e-mail or user id.")],
    amount: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="Dollars; a negative amount withdraws.")
    ],
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="R", help="Why; kept for ever.")],
    idempotency_key: Annotated[
        str | None,
        typer.Option("--idempotency-key", metavar="KEY", help="The key of a transfer to repeat."),
    ] = None,
) -> None:
    """Examples:
      predmarket transfer create ann@example.com 100 --reason welcome
      predmarket transfer create ann@example.com -25.50 --reason correction --yes

    Deposit to an account, or withdraw from it (admins). The transfer's idempotency key is printed
    on stderr before it is sent: repeating the command with --idempotency-key and that key never
    pays twice.
    """
    line = context.of(ctx)
    if idempotency_key == "":  # a script's variable is unset: a new key would pay again
        raise usage("--idempotency-key is empty")
    key = idempotency_key or uuid4().hex
    amount = number(amount, MONEY, "AMOUNT")  # before the confirmation
    if amount.startswith("-"):
        question = f"Withdraw {amount[1:]} from {email}?"
    else:
        question = f"Deposit {amount} to {email}?"
    prompt.confirm(line, question)
    with line.client() as client:
        line.output.note(f"idempotency key: {key}")
        try:
            transfer = client.transfer(email, amount, reason, idempotency_key=key)
        except ClientError as error:
            refusal = line.failure(error)
            if refusal.exit_code is ExitCode.UNAVAILABLE:
                refusal.advise(f"to repeat it safely, add: --idempotency-key {key}")
            raise refusal from None
    line.note_repeat("the transfer was made before under this key")
    line.output.record(order_layouts.TRANSFER, transfer)
