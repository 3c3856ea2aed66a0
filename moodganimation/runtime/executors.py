"""One function over many items: here, in a pool of processes, or on a Ray cluster."""

import json
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

ENGINES = ("plain", "processes", "ray")
ROOT = Path(__file__).resolve().parents[2]  # where workers elsewhere find our packages


def mapped(
    function: Callable[[dict], dict], items: list[dict], engine: str, workers: int | None = None
) -> Iterator[dict]:
    """`function` of each item, in their order, as it becomes known.

    function: importable by name, or a partial of one such; items and results are what JSON can
    say. workers: of the pool (default: one a core) or at most on the cluster. Raises ValueError
    where an engine is missing or its workers died.
    """
    check_engine(engine)
    if engine == "plain" or not items:
        return map(function, items)
    return (_by_processes if engine == "processes" else _by_ray)(function, items, workers)


def check_engine(engine: str) -> None:
    if engine not in ENGINES:
        raise ValueError(f"{engine!r} is not an engine; choose from {', '.join(ENGINES)}.")
    if engine == "ray" and (find_spec("ray") is None or find_spec("pyarrow") is None):
        raise ValueError(
            'The engine ray needs Ray Data: pip install "ray[data]", or use --engine plain.'
        )


def _by_processes(function, items, workers) -> Iterator[dict]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    workers = min(workers or os.cpu_count() or 1, len(items))
    # fork would copy the locks of OpenCV's and torch's threads
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        jobs = deque()
        try:
            for item in items:
                jobs.append(pool.submit(function, item))
                if len(jobs) > 4 * workers:
                    yield jobs.popleft().result()
            while jobs:
                yield jobs.popleft().result()
        except BrokenProcessPool:
            raise ValueError(
                "A worker process died, most likely for want of memory. Run the same command "
                "again, with fewer --workers, to go on where it stopped."
            ) from None
        finally:
            for job in jobs:
                job.cancel()


def _by_ray(function, items, workers) -> Iterator[dict]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anyone
    import ray
    import ray.data

    if not ray.is_initialized():  # RAY_ADDRESS names a cluster; without it one starts here
        ray.init(
            log_to_driver=False,
            logging_level="error",
            include_dashboard=False,
            runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
        )
    logging.getLogger("ray.data").setLevel("ERROR")  # problems are raised; the rest is chatter
    ray.data.DataContext.get_current().enable_progress_bars = False
    rows = [{"place": i, "text": json.dumps(item)} for i, item in enumerate(items)]
    blocks = max(1, min(len(rows), len(rows) // 32, 4096), min(len(rows), 2 * (workers or 8)))
    found = ray.data.from_items(rows, override_num_blocks=blocks).map(
        _on_ray, fn_args=(function,), compute=ray.data.TaskPoolStrategy(workers)
    )
    waiting, place = {}, 0  # blocks arrive as they finish
    for row in found.iter_rows():
        waiting[row["place"]] = row["text"]
        while place in waiting:
            yield json.loads(waiting.pop(place))
            place += 1


def _on_ray(row: dict, function) -> dict:
    return {"place": row["place"], "text": json.dumps(function(json.loads(row["text"])))}
