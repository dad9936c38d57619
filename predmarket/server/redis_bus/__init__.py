"""The bus between processes: commands over Redis to the core, replies and batches back.

Redis only transports: everything that it loses was not acknowledged, or is in the database.

| what | where | from | to |
|---|---|---|---|
| commands | a stream for each epoch | gateways (sender.py) | the leading core (consumer.py) |
| replies | a stream for each gateway | the core (publisher.py) | that gateway (follower.py) |
| batches, announcements | one stream | the core (publisher.py) | all gateways (follower.py) |
| signs of life | a key for each | that gateway (sender.py) | the core (gateway_liveness.py) |

See docs/adr/0010-one-reader-whose-place-is-in-the-batch.md.
"""
