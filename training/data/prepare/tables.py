"""The tables that training reads: labels, and lists of names by split."""

import re
from pathlib import Path

import numpy as np

from ..pickles import write_pickle
from .files import write_atomically

SPLITS = ("train", "val", "test")


def person_of(name: str, pattern: str) -> str | None:
    """Find the person in a name: the first group of a regular expression, or the whole match.

    Returns None if the pattern does not match.
    """
    match = re.search(pattern, name)
    return (match[1] if match.re.groups else match[0]) if match else None


def split_people(
    people: dict[str, str], shares: dict[str, float], seed: int
) -> dict[str, list[str]]:
    """Assign names to splits, all of a person to one; return the names of each split in order.

    people: name -> person. shares: of the names, for "val" and "test"; the rest is "train". Raises
    ValueError if there are fewer persons than splits.
    """
    counts = {}
    for person in people.values():
        counts[person] = counts.get(person, 0) + 1
    requested = [split for split in ("test", "val") if shares[split] > 0]
    if len(counts) <= len(requested):
        raise ValueError(
            f"{len(people)} kept names belong to {len(counts)} persons "
            f"({', '.join(list(counts)[:3]) or 'none'}), which cannot fill {len(requested) + 1} "
            "splits. Give --person REGEX, whose first group is the person in a name, or --val 0 "
            "--test 0."
        )
    order = sorted(counts)
    order = [order[i] for i in np.random.default_rng(seed).permutation(len(order))]
    split_of = {}
    for number, split in enumerate(requested):
        limit, taken = shares[split] * len(people), 0
        remaining = [person for person in order if person not in split_of]
        available = len(remaining) - (len(requested) - number)  # every later split needs one
        chosen = []
        for person in remaining:
            if len(chosen) < available and taken + counts[person] <= limit + 0.5:
                chosen.append(person)
                taken += counts[person]
        for person in chosen or [min(remaining, key=lambda person: counts[person])]:
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
    listed: dict[str, dict[str, str]] | None = None,
) -> dict[str, list[str]]:
    """Write tables and lists of names, and add them to the report; return the names by split.

    tables: file -> name -> array. labels: name -> values in `space`, in the scale of the file.
    default_person: regular expression, see `person_of`, if the option --person is not given.
    listed: name -> row with its split and person, if they are known; else splits are drawn by
    person.
    """
    if not labels:
        reasons = job.report.reasons() or "there was nothing to read"
        raise ValueError(f"Nothing is left to write: {reasons}.")
    if listed:
        people = {name: listed[name]["person"] or name for name in labels}
        splits = {split: [n for n in labels if listed[n]["split"] == split] for split in SPLITS}
        splits = {split: names for split, names in splits.items() if names}
    else:
        people = _people(job, labels, options.person or default_person)
        splits = split_people(people, {"val": options.val, "test": options.test}, options.seed)
    for path in (job.out / "imgs").glob("*.jpg"):
        if path.stem not in labels:  # left by an unfinished run, whose source was deleted
            path.unlink()
    for file, table in tables.items():
        write_pickle(job.out / file, table)
    write_ids(job.out, splits)
    kept = job.report.kept
    kept["names"] = len(labels)
    for split, names in splits.items():
        kept[f"{split} names"] = len(names)
        kept[f"{split} persons"] = len({people[name] for name in names})
    job.report.add_histograms(space, np.array(list(labels.values())))
    return splits


def _people(job, labels: dict, pattern: str) -> dict[str, str]:
    """The person of each name, by the pattern; a name that does not match is its own person."""
    people = {name: person_of(name, pattern) for name in labels}
    job.report.note(
        "names in which no person was found: each is its own person",
        sum(person is None for person in people.values()),
    )
    return {name: person or name for name, person in people.items()}


def write_ids(folder: Path, splits: dict[str, list[str]]) -> None:
    """Write the list of names of each split."""
    for split, names in splits.items():
        write_atomically(folder / f"{split}_ids.csv", "".join(f"{name}.jpg\n" for name in names))
