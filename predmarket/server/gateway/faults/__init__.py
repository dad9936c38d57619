"""Faults on demand, for tests of bots: loaded only where the exchange was started with --fault.

The faults concern connections and their answers. The core knows nothing of them, so what was
acknowledged stays so.
"""
