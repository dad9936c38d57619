"""The registry of commands: each one's name, function, and line in the lists.

It is static, so that naming, listing and completing commands imports none of them.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias


class Leaf(NamedTuple):
    """A command. signed: its arguments may be negative numbers. hidden: not listed, since the
    exchange does not answer it yet."""

    target: str
    summary: str
    signed: bool = False
    hidden: bool = False


class Branch(NamedTuple):
    """A group of commands and groups."""

    summary: str
    leaves: "Mapping[str, Entry]"
    example: str


Entry: TypeAlias = Leaf | Branch

TREE: Mapping[str, Entry] = {
    "serve": Leaf("server_admin:serve", "Run the exchange."),
    "seed": Leaf("server_admin:seed", "Create the first accounts and a market."),
    "db": Branch(
        "The database: its schema, back-ups.",
        {
            "upgrade": Leaf("database:upgrade", "Bring the schema up to date."),
            "current": Leaf("database:current", "Say which revision the schema is at."),
            "backup": Leaf("database:backup", "Back up into a file, also while it runs."),
            "restore": Leaf("database:restore", "Make an exchange from a back-up."),
        },
        "predmarket db backup monday.backup",
    ),
    "doctor": Leaf("doctor:doctor", "Check an exchange on this machine."),
    "audit": Leaf("server_admin:audit", "Prove from the database that money is conserved."),
    "export": Leaf("database:export", "Export the data as files, with a codebook."),
    "fork": Leaf("laboratory:fork", "Copy this exchange as it was earlier."),
    "fault": Branch(
        "Faults on demand, for tests of bots.",
        {
            "show": Leaf("laboratory:show_faults", "Show the faults in force."),
            "set": Leaf("laboratory:set_faults", "Have other faults from now on."),
        },
        "predmarket fault set latency=50ms,loss=0.01",
    ),
    "replay": Leaf("replay:replay", "Play recorded orders into an exchange."),
    "journal": Branch(
        "The record of everything that happened on the exchange.",
        {"export": Leaf("journal:export", "Write every order, trade and cancellation to a file.")},
        "predmarket journal export day.csv",
    ),
    "config": Branch(
        "Settings and where they come from.",
        {"show": Leaf("config:show", "Print every setting and its origin.")},
        "predmarket config show",
    ),
    "tui": Leaf("screen:tui", "Trade on a screen."),
    "status": Leaf("status:status", "Is it up, who leads, how durable."),
    "auth": Branch(
        "Log in and out.",
        {
            "register": Leaf("auth:register", "Open an account and log in."),
            "claim": Leaf("auth:claim", "Choose a password with a one-time code."),
            "login": Leaf("auth:login", "Log in."),
            "logout": Leaf("auth:logout", "Log out."),
            "status": Leaf("auth:status", "Say who is logged in, and where."),
            "update": Leaf("auth:update", "Choose the name that others see."),
            "password": Leaf("auth:password", "Choose another password."),
            "sessions": Leaf("session:list_sessions", "List your sessions."),
            "revoke": Leaf("session:revoke", "End one of your sessions."),
            "revoke-all": Leaf("session:revoke_all", "End all your sessions and API keys."),
            "key": Branch(
                "API keys for bots and scripts.",
                {
                    "create": Leaf("api_key:create", "Make an API key."),
                    "list": Leaf("api_key:list_keys", "List own API keys."),
                    "revoke": Leaf("api_key:revoke", "Revoke an API key."),
                },
                "predmarket auth key list",
            ),
        },
        "predmarket auth login ann@example.com",
    ),
    "market": Branch(
        "Markets and their lifecycle.",
        {
            "list": Leaf("market:list_markets", "List markets."),
            "show": Leaf("market:show", "Show one market."),
            "create": Leaf("market:create", "Create a market."),
            "import": Leaf("market_import:import_markets", "Create the markets of a file."),
            "update": Leaf("market:update", "Change a market's texts or closing time."),
            "open": Leaf("market:open_market", "Open, or reopen, a market."),
            "halt": Leaf("market:halt", "Halt trading; orders keep their place."),
            "close": Leaf("market:close", "Close a market; its orders are cancelled."),
            "resolve": Leaf("market:resolve", "Resolve or void a market, or propose it."),
            "proposal": Branch(
                "A market's proposed resolution.",
                {
                    "confirm": Leaf("resolution:confirm", "Make the proposed resolution now."),
                    "withdraw": Leaf("resolution:withdraw", "Withdraw the proposed resolution."),
                },
                "predmarket market proposal confirm rain-monday",
            ),
        },
        "predmarket market list --status open",
    ),
    "event": Branch(
        "Events: several markets that exclude each other.",
        {
            "list": Leaf("event:list_events", "List events."),
            "show": Leaf("event:show", "Show an event's outcomes, and what each pays."),
            "create": Leaf("event:create", "Create an event with its markets."),
            "import": Leaf("market_import:import_events", "Create the events of a file."),
            "update": Leaf("event:update", "Change an event's texts or closing time."),
            "add-market": Leaf("event:add_market", "Add an outcome to an event."),
            "open": Leaf("event:open_event", "Open, or reopen, all markets of an event."),
            "halt": Leaf("event:halt", "Halt trading; orders keep their place."),
            "close": Leaf("event:close", "Close an event; its orders are cancelled."),
            "resolve": Leaf("event:resolve", "Resolve or void an event, or propose it."),
            "proposal": Branch(
                "An event's proposed resolution.",
                {
                    "confirm": Leaf("resolution:confirm_event", "Make the resolution now."),
                    "withdraw": Leaf("resolution:withdraw_event", "Withdraw the resolution."),
                },
                "predmarket event proposal confirm next-mayor",
            ),
        },
        "predmarket event show next-mayor",
    ),
    "order": Branch(
        "Place, change and cancel orders.",
        {
            "place": Leaf("place_order:place", "Place an order."),
            "cancel": Leaf("order:cancel", "Cancel orders by id."),
            "cancel-all": Leaf("order:cancel_all", "Cancel all open orders."),
            "cancel-after": Leaf("order:cancel_after", "Cancel all unless renewed in time."),
            "amend": Leaf("order:amend", "Change an order's price or quantity."),
            "replace": Leaf("replace_order:replace", "Cancel an order and place a changed one."),
            "batch": Leaf("batch:batch", "Place orders from a file."),
            "list": Leaf("order:list_orders", "List your orders."),
            "show": Leaf("order:show", "Show one order and its fills."),
            "group": Branch(
                "Order groups: a limit on what fills at once.",
                {
                    "create": Leaf("order_group:create", "Make an order group."),
                    "list": Leaf("order_group:list_groups", "List own order groups."),
                    "show": Leaf("order_group:show", "Show one order group."),
                    "update": Leaf("order_group:update", "Change a group's limit."),
                    "reset": Leaf("order_group:reset", "Let a group take orders again."),
                    "trigger": Leaf("order_group:trigger", "Cancel a group's open orders."),
                    "delete": Leaf("order_group:delete", "Delete a group; cancel its orders."),
                },
                "predmarket order group create 100",
            ),
        },
        "predmarket order place will-it-rain-tomorrow buy 10 --price 0.60",
    ),
    "book": Leaf("market_data:book", "Show a market's order book."),
    "trades": Leaf("market_data:trades", "Show a market's trades."),
    "candles": Leaf("market_data:candles", "Show a market's prices by interval."),
    "ticker": Leaf("market_data:ticker", "Show where a market stands."),
    "calibration": Leaf("calibration:calibration", "Were the prices of markets right?"),
    "stream": Leaf("market_data:stream", "Print what happens as lines of JSON."),
    "account": Branch(
        "Your money and holdings.",
        {
            "balance": Leaf("account:balance", "Available, locked and total cash."),
            "positions": Leaf("account:positions", "Holdings in each market."),
            "events": Leaf("account:events", "Payout of each outcome of your events."),
            "portfolio": Leaf("account:portfolio", "Cash and holdings valued together."),
            "fills": Leaf("account:fills", "Your executions."),
            "statement": Leaf("account:statement", "Every movement of your cash."),
        },
        "predmarket account balance",
    ),
    "transfer": Branch(
        "Deposits and withdrawals.",
        {"create": Leaf("transfer:create", "Deposit to or withdraw from an account.", True)},
        "predmarket transfer create ann@example.com 100 --reason welcome",
    ),
    "bot": Branch(
        "Bots that trade by themselves.",
        {"run": Leaf("bot:run", "Run a market maker, a noise trader or an arbitrageur.")},
        "predmarket bot run market-maker --market will-it-rain-tomorrow",
    ),
    "admin": Branch(
        "The acts of admins.",
        {
            "log": Leaf("admin_log:log", "List acts of admins, newest first."),
            "overview": Leaf("admin_log:overview", "Totals, and markets past due."),
        },
        "predmarket admin log --action MARKET_RESOLVE",
    ),
    "user": Branch(
        "Accounts and their roles.",
        {
            "list": Leaf("user:list_users", "List accounts."),
            "create": Leaf("user_codes:create", "Make an account with a one-time code."),
            "import": Leaf("user_codes:import_users", "Make accounts from a file."),
            "reset": Leaf("user_codes:reset", "Give an account a new one-time code."),
            "show": Leaf("user:show", "Show an account's cash, positions and orders."),
            "update": Leaf("user:update", "Change an account's role, disable or enable it."),
            "revoke-all": Leaf("user:revoke_all", "End an account's sessions and API keys."),
            "set-role": Leaf("server_admin:set_role", "Set a role in the database itself."),
        },
        "predmarket user set-role ann@example.com ADMIN",
    ),
    "invite": Branch(
        "Invitations to register.",
        {
            "create": Leaf("invite:create", "Make an invitation."),
            "list": Leaf("invite:list_invites", "List invitations."),
            "revoke": Leaf("invite:revoke", "Revoke an invitation."),
        },
        "predmarket invite create --uses 30",
    ),
    "group": Branch(
        "Groups of accounts.",
        {
            "create": Leaf("group:create", "Make a group."),
            "list": Leaf("group:list_groups", "List groups."),
            "add": Leaf("group:add", "Add accounts to a group."),
            "remove": Leaf("group:remove", "Remove accounts from a group."),
        },
        "predmarket group add class-9b ann@example.com",
    ),
    "season": Branch(
        "Seasons, in which accounts compete.",
        {
            "start": Leaf("season:start", "Start a season."),
            "end": Leaf("season:end", "End the season; its leaderboard stays."),
            "list": Leaf("season:list_seasons", "List seasons."),
        },
        'predmarket season start "Spring" --credit 100',
    ),
    "leaderboard": Leaf("season:leaderboard", "Show who has gained most."),
}
