"""Every command that calls the exchange, once; tests/cli/answers.py answers all of its calls."""

from pathlib import Path

ASKING = """
auth register ann@example.com
auth claim 7KQF-M2XW
auth login ann@example.com
auth status
auth update --display-name rainmaker
auth password --old-password-file OLD
auth key create quoter --scope read --scope trade
auth key list
auth key revoke 3
auth sessions
auth revoke 7
market list
market show rain
market show sleet
market create rain Will-it-rain? --draft
market import -
market update rain --question Will-it-rain?
market open rain
market halt rain
market close rain --yes
market resolve rain YES --yes
market resolve rain 0.25 --after 24h --note It-rained. --source https://example.com --yes
market proposal confirm rain --yes
market proposal withdraw rain
event list
event show vote
event create vote Who-wins? --market ann=Does-Ann-win? --market bob=Does-Bob-win? --draft
event create vote Who-wins? --exhaustive --file -
event import - --dry-run
event update vote --title Who-won?
event add-market vote dan Does-Dan-win? --label Dan
event open vote
event halt vote
event close vote --yes
event resolve vote ann --yes
event resolve vote ann=0.5,bob=0.5 --after 2d --yes
event proposal confirm vote --yes
event proposal withdraw vote
book rain
trades rain
candles rain
calibration
ticker rain
order place rain buy 10 --price 0.6 --client-id mine-1
order place rain buy 10 --price 0.6 --preview
order batch -
order list
order show 17
order amend 17 --qty 5
order replace 17 --price 0.58 --client-id mine-2
order cancel 17
order cancel 17 18
order cancel-all
order cancel-all --event vote --side buy
order cancel-after 60
order place rain buy 10 --price 0.6 --client-id mine-1 --group 4
order list --group 4
order group create 10
order group list
order group show 4
order group update 4 25
order group reset 4
order group trigger 4
order group delete 4
account balance
account positions
account events
account portfolio
account fills
account statement
transfer create ann@example.com 100 --reason welcome --idempotency-key k --yes
user list
user show ann@example.com
user show ann@example.com --list positions
user show ann@example.com --list orders
user show ann@example.com --list fills
user show ann@example.com --list statement
user update ann@example.com --role ADMIN
user create ann --credit 5 --group 9b
user import -
user reset ann@example.com
invite create --uses 30
invite list
invite revoke 4
user revoke-all ann@example.com --yes
group create class-9b
group list
group add class-9b ann@example.com
group remove class-9b ann@example.com
season start Spring --credit 100
season list
season end
season end 2
leaderboard --season Spring --group class-9b
admin log --action market_resolve
admin overview
fault show
fault set loss=0.01,seed=7
status
auth logout
auth login ann@example.com
auth revoke-all --yes
""".strip().splitlines()

STDIN = {
    "auth register ann@example.com": "password123\n",
    "auth login ann@example.com": "password123\n",
    "auth claim 7KQF-M2XW": "password123\n",
    "user import -": "email,credit\nann,5\n",
    "auth password --old-password-file OLD": "password456\n",
    "event create vote Who-wins? --exhaustive --file -": "slug,question\nann,Ann?\nbob,Bob?\n",
    "market import -": "slug,question\nrain,Rain?\nhail,Hail?\n",
    "event import - --dry-run": "event,title,slug,question\nvote,Who?,a,A?\nvote,,b,B?\n",
    "order batch -": "market,side,qty,price\nrain,buy,10,0.60\nrain,sell,5,0.70\n",
}


def words_of(line: str, folder: Path) -> list[str]:
    """Return the words of a line of ASKING; OLD becomes a file in ``folder``."""
    old = folder / "old-password"
    old.write_text("password123\n", encoding="utf-8")
    return [str(old) if word == "OLD" else word for word in line.split()]
