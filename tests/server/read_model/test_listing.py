"""Ids in order by status give the same pages as a sort of all ids."""

import random
from itertools import islice

from predmarket.enums import MarketStatus
from predmarket.server.read_model.listing import END, Kind, Listing


def test_pages_are_those_of_all_ids_sorted() -> None:
    """Pages equal those of all sorted ids, for any statuses, from any place, after any changes."""
    chance = random.Random(5)
    listing, held = Listing(), dict[int, Kind]()
    kinds = [Kind(status, group) for status in MarketStatus for group in (None, 7)]
    for _ in range(300):
        id, kind = chance.randrange(1, 80), chance.choice(kinds)
        listing.put(id, kind)
        held[id] = kind
        wanted = chance.sample(kinds, chance.randrange(len(kinds) + 1))
        before = chance.choice([END, chance.randrange(90)])
        every = sorted((one for one, of in held.items() if of in wanted), reverse=True)
        below = [one for one in every if one < before]
        assert listing.count(wanted) == len(every)
        assert [*listing.newest(wanted, before)] == below
        over = chance.randrange(12)
        page = islice(listing.newest(wanted, listing.below(wanted, before, over)), 10)
        assert [*page] == below[over : over + 10]
