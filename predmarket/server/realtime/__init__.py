"""The gateway's half of /realtime: sockets, topics, and orders entered over a socket.

protocol.py is one socket's bytes and door.py who may open it; peer.py is what one client sends
and entry.py its orders; hub.py carries committed batches to the subscribers, render.py puts them
into words, outgoing.py and subscription.py hold back what a reader does not take in time;
beginnings.py starts a subscription with a snapshot or with what was missed.

Everything runs on the event loop. The hot paths (a batch to its subscribers, an order to the core
and its answer) have no task and no await: one encoding and one frame a message, whoever gets it.
"""
