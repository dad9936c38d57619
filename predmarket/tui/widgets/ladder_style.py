"""The ladder's colours, in the theme's names. No fact is shown by colour alone."""

PREFIX = "ladder--"

ROLES = (
    *("head", "size", "second", "safe", "arm", "stopped", "title", "edge", "foot", "hint", "note"),
    *("mine", "ahead", "bid", "ask", "best-bid", "best-ask", "price", "rule", "volume"),
    *("last", "last-up", "last-down", "gain", "loss", "stale"),
    *("bid-bar", "ask-bar", "volume-bar", "stale-bar", "inside", "hover", "cursor", "target"),
)

CSS = """
Ladder {
    background: $surface;
    color: $foreground;
    height: 1fr;
    min-width: 20;

    & > .ladder--head { color: $text-muted; }
    & > .ladder--size { color: $text-primary; text-style: bold; }
    & > .ladder--second { color: $text-secondary; }
    & > .ladder--safe { color: $text-success; background: $success 20%; text-style: bold; }
    & > .ladder--arm { color: $text; background: $error; text-style: bold; }
    & > .ladder--stopped { color: $text; background: $warning; text-style: bold; }
    & > .ladder--title { color: $text-muted; }
    & > .ladder--edge { color: $text-warning; }
    & > .ladder--foot { color: $foreground; }
    & > .ladder--hint { color: $text-muted; }
    & > .ladder--note { color: $text-warning; text-style: bold; }
    & > .ladder--mine { color: $text-warning; text-style: bold; }
    & > .ladder--ahead { color: $text-muted; }
    & > .ladder--bid { color: $foreground; }
    & > .ladder--ask { color: $foreground; }
    & > .ladder--best-bid { color: $text-success; text-style: bold; }
    & > .ladder--best-ask { color: $text-error; text-style: bold; }
    & > .ladder--price { color: $foreground 75%; }
    & > .ladder--rule { color: $foreground 25%; }
    & > .ladder--volume { color: $text-muted; }
    & > .ladder--last { color: $text-warning; text-style: bold; }
    & > .ladder--last-up { color: $text-success; text-style: bold; }
    & > .ladder--last-down { color: $text-error; text-style: bold; }
    & > .ladder--gain { color: $text-success; }
    & > .ladder--loss { color: $text-error; }
    & > .ladder--stale { color: $foreground 38%; }
    & > .ladder--bid-bar { background: $success 32%; }
    & > .ladder--ask-bar { background: $error 36%; }
    & > .ladder--volume-bar { background: $primary 30%; }
    & > .ladder--stale-bar { background: $foreground 8%; }
    & > .ladder--inside { background: $foreground 4%; }
    & > .ladder--hover { background: $foreground 9%; }
    & > .ladder--cursor { background: $primary 22%; }
    & > .ladder--target { background: $foreground 16%; }
}
"""
