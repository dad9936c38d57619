"""The rows of the table: for each name here a module of that name with `measure()`."""

ROWS = {
    "machine": "the yardsticks alone: what this machine's disk and PostgreSQL can do",
    "engine": "matching, alone and with the ledger, against lightmatchingengine",
    "events": "the whole exchange over events of many outcomes, against the engine row",
    "publicbook": "matching alone on the files of a public benchmark, against engines listed there",
    "settle": "the stream through settlement alone, on both databases, against pgbench",
    "http": "one order a request over HTTP, on both databases, against pgbench and an empty route",
    "kalshi": "one signed order a request in Kalshi's shape, against POST /v1/orders",
    "growth": "the http row by resting orders, markets and users, against itself without them",
    "lists": "every read of an exchange with ten million trades, against one without",
    "scaleout": "orders through one and two gateways beside a core, against one process",
    "scale": "a simulation of several shards, of costs measured here, against one",
    "recovery": "a million orders loaded, a million commands replayed, against bare reads",
    "batch": "twenty orders a request over HTTP, on both databases, against pgbench",
    "socket": "orders over /realtime, on both databases, against pgbench",
    "fanout": "one busy book, many subscribers, against a bare broadcast",
    "latency": "one order alone, and at half load, against one INSERT",
    "takeover": "the leader killed, a standby following, by how much the exchange holds",
    "screen": "a frame of the ladder against a grid of widgets, and the program in tmux",
    "start": "a command line from its start to its end, against importing its libraries",
    "load": "the load generator itself: it must cost less than any server",
}
