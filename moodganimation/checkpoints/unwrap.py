"""Finding the networks in what torch.save wrote: a state dict, or several inside other objects.

Training scripts save {'state_dict': ..., 'epoch': ...}, {'G': ..., 'D': ...}, {'params_ema': ...},
or the state dict of a module that has the networks as parts: `generator.main.0.weight`.
"""

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from ..errors import NotACheckpoint

MAX_DEPTH = 4  # of dicts within dicts
# A state dict with one of these prefixes is taken for a network of the GANimation family.
KNOWN_PREFIXES = (
    *("img_reg.", "attetion_reg.", "attention_reg.", "color_top.", "au_top."),
    *("im_reg.", "im_att.", "first_conv.", "conv1.", "conv2.", "dis_top.", "aus_top."),
    *("adv.", "regress."),
)


def unwrap(path: Path, content: object, network: str | None = None) -> tuple[dict, dict[str, int]]:
    """Return the state dict of the only network in a file, or of the one called `network`.

    content: what torch.load returned. Also returns what was left out: description -> number of
    entries. Raises NotACheckpoint if there is no such network, or more than one.
    """
    if not isinstance(content, dict) or not content:
        raise NotACheckpoint("{} holds no network, but a {}.", path, type(content).__name__)
    found = dict(_find_networks(content, "", set()))
    known = {name: weights for name, weights in found.items() if _is_known(weights)} or found
    if not known:
        raise NotACheckpoint(*_no_network_message(path, content))
    name = _choose(path, list(known), network)
    weights, outer = known[name], name.partition(".")[0]
    others = len(content) - (1 if outer in content else len(weights))
    return weights, {"entries beside the network": others} if others else {}


def _choose(path: Path, names: list[str], network: str | None) -> str:
    """Return the full name of the network to read. Raises NotACheckpoint."""
    if network is None:
        chosen = names
    else:
        chosen = [name for name in names if network in (name, name.rpartition(".")[2])]
    if len(chosen) == 1:
        return chosen[0]
    listed = ", ".join(name[:60] or "the outermost one" for name in names[:6])
    if network is None:
        raise NotACheckpoint(
            "{} holds {} networks ({}): choose one of them, with convert and --network NAME.",
            path,
            len(names),
            listed,
        )
    called = repr(network[:60])
    if chosen:
        raise NotACheckpoint(
            "{} has several networks called {}; give the full name, one of {}.",
            path,
            called,
            listed,
        )
    raise NotACheckpoint("{} has no network called {}; choose one of {}.", path, called, listed)


def _find_networks(content: dict, name: str, seen: set[int]) -> Iterator[tuple[str, dict]]:
    """Yield names and state dicts in a dict called `name`, and in the dicts and lists inside it.

    seen: ids of the dicts visited so far, since one may contain itself.
    """
    if id(content) in seen or name.count(".") >= MAX_DEPTH or "param_groups" in content:
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
    """Yield a state dict, or those of the known networks that are parts of its module."""
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
    """Remove prefixes that all keys share until the network is known.

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
    """Whether a state dict is one of the GANimation family, by the names of its layers."""
    return any(key.startswith(KNOWN_PREFIXES) for key in weights)


def _no_network_message(path: Path, content: dict) -> tuple:
    """The message for a file without a network: its template and parameters."""
    if "param_groups" in content:
        return (
            "{} holds the state of an optimizer, not a network; take the file net_epoch_* beside "
            "opt_epoch_*.",
            path,
        )
    others = (k for k, v in content.items() if not (isinstance(k, str) and isinstance(v, Tensor)))
    return (
        "{} holds more or other than a network ({} is no tensor); save the state_dict() of the "
        "network alone.",
        path,
        repr(str(next(others, ""))[:40]),
    )
