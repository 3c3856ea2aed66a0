"""The tables that training reads: labels, and who belongs to which split."""

import re
from pathlib import Path

import numpy as np

from ..pickles import write_pickle
from .files import write

SPLITS = ("train", "val", "test")


def person_of(name: str, person: str) -> str | None:
    """Whose picture a name says it is: the first group of `person`, or all that matched."""
    found = re.search(person, name)
    return (found[1] if found.re.groups else found[0]) if found else None


def split_people(
    people: dict[str, str], shares: dict[str, float], seed: int
) -> dict[str, list[str]]:
    """Names by split, in their order, every person's in one. people: name -> person.

    shares: of the names, of "val" and "test"; the rest trains. Raises ValueError where there are
    fewer persons than splits.
    """
    counts = {}
    for person in people.values():
        counts[person] = counts.get(person, 0) + 1
    wanted = [split for split in ("test", "val") if shares[split] > 0]
    if len(counts) <= len(wanted):
        raise ValueError(
            f"{len(people)} kept names belong to {len(counts)} persons "
            f"({', '.join(list(counts)[:3]) or 'none'}), which cannot fill {len(wanted) + 1} "
            "splits. Say --person REGEX, whose first group is the person in a name, or --val 0 "
            "--test 0."
        )
    order = sorted(counts)
    order = [order[i] for i in np.random.default_rng(seed).permutation(len(order))]
    split_of = {}
    for place, split in enumerate(wanted):
        room, taken = shares[split] * len(people), 0
        left = [person for person in order if person not in split_of]
        spare = len(left) - (len(wanted) - place)  # every later split needs one
        chosen = []
        for person in left:
            if len(chosen) < spare and taken + counts[person] <= room + 0.5:
                chosen.append(person)
                taken += counts[person]
        for person in chosen or [min(left, key=lambda person: counts[person])]:
            split_of[person] = split
    splits = {split: [] for split in SPLITS}
    for name, person in people.items():
        splits[split_of.get(person, "train")].append(name)
    return {split: names for split, names in splits.items() if names}


def write_stills(
    job,
    space,
    tables: dict,
    labels: dict,
    options,
    default_person: str,
    split_of: dict[str, str] | None = None,
) -> dict[str, list[str]]:
    """Write `tables` (file -> name -> array), the lists of names of each split, and what of it
    the report tells; returns these lists. labels: name -> values in `space`, in the units of the
    file; split_of: name -> split where that is known, else people are drawn."""
    if not labels:
        reasons = "; ".join(f"{n} x {reason}" for reason, n in job.report.dropped.most_common(4))
        raise ValueError(f"Nothing is left to write: {reasons or 'there was nothing to read'}.")
    if split_of:
        people = {name: name for name in labels}
        splits = {split: [n for n in labels if split_of[n] == split] for split in SPLITS}
        splits = {split: names for split, names in splits.items() if names}
    else:
        people = _people(job, labels, options.person or default_person)
        splits = split_people(people, {"val": options.val, "test": options.test}, options.seed)
    for path in (job.out / "imgs").glob("*.jpg"):
        if path.stem not in labels:  # of an earlier, unfinished run whose source is gone
            path.unlink()
    for file, table in tables.items():
        write_pickle(job.out / file, table)
    write_ids(job.out, splits)
    kept = job.report.kept
    kept["names"] = len(labels)
    for split, names in splits.items():
        kept[f"{split} names"] = len(names)
        kept[f"{split} persons"] = len({people[name] for name in names})
    job.report.axes(space, np.array(list(labels.values())))
    return splits


def _people(job, labels: dict, pattern: str) -> dict[str, str]:
    """name -> person, as the names say it."""
    found = {name: person_of(name, pattern) for name in labels}
    job.report.note(
        "names in which no person was found: each is its own person",
        sum(person is None for person in found.values()),
    )
    return {name: person or name for name, person in found.items()}


def write_ids(folder: Path, splits: dict[str, list[str]]) -> None:
    for split, names in splits.items():
        write(folder / f"{split}_ids.csv", "".join(f"{name}.jpg\n" for name in names))
