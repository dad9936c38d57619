"""The gateway's half of /realtime: sockets, topics, and orders entered over a socket.

protocol/websocket.py is one socket's bytes and endpoint.py who may open it; client.py is what one
client sends and socket_orders.py its orders; broadcast/hub.py carries committed batches to the
subscribers, broadcast/rendering.py puts them into words, broadcast/send_buffer.py and
broadcast/subscription.py hold back what a reader does not take in time; snapshots.py starts a
subscription with a snapshot or with what was missed.

Everything runs on the event loop. The hot paths (a batch to its subscribers, an order to the core
and its answer) have no task and no await: one encoding and one frame a message, whoever gets it.
"""
