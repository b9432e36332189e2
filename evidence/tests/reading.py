"""How the tests of shipped tables read them."""

import itertools

from u3lab import results


def means(name: str, column: str, *keys: str, **only: object) -> dict:
    """What stands in some columns of the key → the mean of a column, of the rows in which others are as given."""
    of: dict[object, list[float]] = {}
    for run, row in results.table(name).items():
        if all(getattr(run, key) == value for key, value in only.items()):
            what = tuple(getattr(run, key) for key in keys)
            of.setdefault(what if len(keys) > 1 else what[0], []).append(float(getattr(row, column)))
    return {key: sum(some) / len(some) for key, some in of.items()}


def rising(*values: float) -> bool:
    return all(a < b for a, b in itertools.pairwise(values))
