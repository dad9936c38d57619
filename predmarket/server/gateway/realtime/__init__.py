"""The gateway's half of /realtime: sockets, topics, and orders entered over a socket.

endpoint.py accepts a socket, and protocol/websocket.py handles its bytes. client.py is one client;
inbox.py keeps its messages in order, decoding.py decodes them, requests.py and socket_orders.py
execute them. broadcast/hub.py carries committed batches to subscribers, and broadcast/rendering.py
encodes them. broadcast/send_buffer.py and broadcast/subscription.py keep messages for a client that
reads slowly. snapshots.py starts a subscription with a snapshot or with the missed changes.

Everything runs on the event loop. The hot paths (a batch to its subscribers, an order to the core
and its answer) have no task and no await. A message is encoded and framed once for all receivers.
"""
