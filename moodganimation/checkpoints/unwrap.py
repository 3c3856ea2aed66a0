"""Finding networks in the content of a file of torch.save: one state dict, or several in dicts.

Training scripts save {'state_dict': ..., 'epoch': ...}, {'G': ..., 'D': ...}, {'params_ema': ...},
or the state dict of a module that has the networks as parts: `generator.main.0.weight`.
"""

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from ..errors import NotACheckpoint

MAX_DEPTH = 4  # of dicts within dicts
# A state dict in which a name begins with one of these is taken for a network of the GANimation
# family: a known network.
KNOWN_PREFIXES = (
    *("img_reg.", "attetion_reg.", "attention_reg.", "color_top.", "au_top."),
    *("im_reg.", "im_att.", "first_conv.", "conv1.", "conv2.", "dis_top.", "aus_top."),
    *("adv.", "regress."),
)


def unwrap(path: Path, content: object, name: str | None = None) -> tuple[dict, dict[str, int]]:
    """Return the state dict of the only network in a file, or of the one called `name`.

    path: for messages. content: what torch.load returned. name: the keys that lead to the network,
    joined by dots, or the last of them. Also returns what was left out: description -> number of
    entries. Raises NotACheckpoint if there is no such network, or more than one.
    """
    if not isinstance(content, dict) or not content:
        raise NotACheckpoint("{} holds a {}, not a network.", path, type(content).__name__)
    found = dict(_find_networks(content, "", set()))
    known = {name: weights for name, weights in found.items() if _is_known(weights)} or found
    if not known:
        raise NotACheckpoint(*_no_network_message(path, content))
    full_name = _choose(path, list(known), name)
    weights = known[full_name]
    is_inside = any(full_name == str(k) or full_name.startswith(f"{k}.") for k in content)
    count_beside = len(content) - (1 if is_inside else len(weights))
    return weights, {"entries beside the network": count_beside} if count_beside else {}


def _choose(path: Path, full_names: list[str], name: str | None) -> str:
    """Return the full name of the network called `name`. Raises NotACheckpoint."""
    if name is None:
        matches = full_names
    else:
        matches = [full for full in full_names if name in (full, full.rpartition(".")[2])]
    if len(matches) == 1:
        return matches[0]
    listed = ", ".join(full[:60] or "one without a name" for full in full_names[:6])
    if name is None:
        raise NotACheckpoint(
            "{} holds {} networks ({}): choose one of them, with convert and --network NAME.",
            path,
            len(full_names),
            listed,
        )
    quoted = repr(name[:60])
    if matches:
        raise NotACheckpoint(
            "{} has several networks called {}; give the full name, one of {}.",
            path,
            quoted,
            listed,
        )
    raise NotACheckpoint("{} has no network called {}; choose one of {}.", path, quoted, listed)


def _find_networks(content: dict, name: str, seen: set[int]) -> Iterator[tuple[str, dict]]:
    """Yield name and state dict of each network in a dict called `name` or in dicts within it.

    Searches to the depth MAX_DEPTH. seen: ids of the dicts visited so far, since one may contain
    itself.
    """
    is_optimizer = "param_groups" in content
    if id(content) in seen or name.count(".") >= MAX_DEPTH or is_optimizer:
        return
    seen.add(id(content))
    weights = {k: v for k, v in content.items() if isinstance(k, str) and isinstance(v, Tensor)}
    inner = {
        str(key): dict(enumerate(value)) if isinstance(value, list | tuple) else value
        for key, value in content.items()
        if isinstance(value, dict | list | tuple)
    }
    stripped = _strip_common_prefix(weights)
    if len(weights) == len(content) or _is_known(stripped):
        yield from _split_parts(stripped, name)
    for key, value in inner.items():
        yield from _find_networks(value, f"{name}.{key}" if name else key, seen)


def _split_parts(weights: dict[str, Tensor], name: str) -> Iterator[tuple[str, dict]]:
    """Yield name and state dict of each known network that is a part of a module.

    If `weights` are a known network themselves, or no part is one, yields `name` and `weights`
    unchanged.
    """
    parts = {}
    if not _is_known(weights):
        for key, value in weights.items():
            part, _, rest = key.partition(".")
            parts.setdefault(part, {})[rest] = value
        parts = {part: _strip_common_prefix(inner) for part, inner in parts.items()}
        parts = {part: inner for part, inner in parts.items() if _is_known(inner)}
    for part, inner in parts.items():
        yield f"{name}.{part}" if name else part, inner
    if weights and not parts:
        yield name, weights


def _strip_common_prefix(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Remove prefixes that all keys share, until those of a known network appear.

    `module.` comes from DataParallel, `netG.` from a module that has the network as its only part.
    The weights are returned unchanged if no prefix leads to a known network.
    """
    stripped = weights
    while stripped and not _is_known(stripped):
        prefix = next(iter(stripped)).partition(".")[0] + "."
        if not all(key.startswith(prefix) and len(key) > len(prefix) for key in stripped):
            return weights
        stripped = {key.removeprefix(prefix): value for key, value in stripped.items()}
    return stripped


def _is_known(weights: dict[str, Tensor]) -> bool:
    """Whether a state dict is taken for one of the GANimation family, by its layers' names."""
    return any(key.startswith(KNOWN_PREFIXES) for key in weights)


def _no_network_message(path: Path, content: dict) -> tuple:
    """Return the message for a file without a network: its template and parameters."""
    if "param_groups" in content:
        return (
            "{} holds the state of an optimizer, not a network; take the file net_epoch_* beside "
            "opt_epoch_*.",
            path,
        )
    others = (k for k, v in content.items() if not (isinstance(k, str) and isinstance(v, Tensor)))
    return (
        "{} does not hold a network alone ({} is not a tensor); save the state_dict() of the "
        "network.",
        path,
        repr(str(next(others, ""))[:40]),
    )
