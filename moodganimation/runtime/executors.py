"""Apply one function to many items: in this process, in a pool of processes, or on Ray."""

import json
import logging
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

ENGINES = ("plain", "processes", "ray")  # values of --engine; plain: in this process
ROOT = Path(__file__).resolve().parents[2]  # on PYTHONPATH of Ray workers, to import our packages
JOBS_PER_WORKER = 4  # submitted in advance to a pool
# Ray runs one task per block of items: blocks of ITEMS_PER_BLOCK, but at least two per worker, so
# that all workers are busy, and at most MAX_BLOCKS. Without `workers`, Ray runs as many tasks as
# the cluster allows; ASSUMED_RAY_WORKERS is then assumed for the number of blocks.
ITEMS_PER_BLOCK, MAX_BLOCKS = 32, 4096
BLOCKS_PER_WORKER, ASSUMED_RAY_WORKERS = 2, 8


def map_items(
    function: Callable[[dict], dict], items: list[dict], engine: str, workers: int | None = None
) -> Iterator[dict]:
    """Yield function(item) for every item, in the order of the items, as soon as it is available.

    function: importable by name, or a partial of such a function. Items and results must be
    JSON-serializable. engine: one of ENGINES. workers: processes of the pool (default: one per
    core), or the maximum of concurrent tasks on the Ray cluster (default: as many as the cluster
    allows). Raises ValueError if an engine is not installed or a worker process died.
    """
    check_engine(engine)
    if engine == "plain" or not items:
        return map(function, items)
    map_with = _map_in_processes if engine == "processes" else _map_on_ray
    return map_with(function, items, workers)


def check_engine(engine: str) -> None:
    """Raise ValueError if there is no such engine or its package is not installed."""
    if engine not in ENGINES:
        raise ValueError(f"{engine!r} is not an engine; choose from {', '.join(ENGINES)}.")
    if engine == "ray" and (find_spec("ray") is None or find_spec("pyarrow") is None):
        raise ValueError(
            'The engine ray needs Ray Data: pip install "ray[data]", or use --engine plain.'
        )


def _map_in_processes(
    function: Callable[[dict], dict], items: list[dict], workers: int | None
) -> Iterator[dict]:
    """`map_items` in a pool of processes."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    workers = min(workers or os.cpu_count() or 1, len(items))
    other_children = multiprocessing.active_children()
    # Not fork, which would copy the locks that threads of OpenCV and torch may hold.
    with ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), _exit_on_sigterm
    ) as pool:
        jobs = deque()
        try:
            for item in items:
                jobs.append(pool.submit(_run_item, function, item))
                if len(jobs) > JOBS_PER_WORKER * workers:
                    yield jobs.popleft().result()
            while jobs:
                yield jobs.popleft().result()
        except BrokenProcessPool:
            raise ValueError(
                "A worker process died, probably because memory ran out. Run the same command "
                "again with fewer --workers; it continues where it stopped."
            ) from None
        except BaseException:
            # An item failed, the caller stopped, or this process is terminated: do not wait for the
            # items in progress.
            for child in multiprocessing.active_children():
                if child not in other_children:
                    child.terminate()
            raise
        finally:
            for job in jobs:
                job.cancel()


def _exit_on_sigterm() -> None:
    """In a worker process, let SIGTERM raise SystemExit, so that unfinished files are removed.

    SIGINT is ignored: Ctrl-C also reaches the parent process, which terminates its workers.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def _run_item(function: Callable[[dict], dict], item: dict) -> dict:
    """Return function(item); on SystemExit (SIGTERM) exit the worker process.

    Otherwise the pool would send the exception to the parent process and take the next item.
    """
    try:
        return function(item)
    except SystemExit as end:
        os._exit(end.code)


def _map_on_ray(
    function: Callable[[dict], dict], items: list[dict], workers: int | None
) -> Iterator[dict]:
    """`map_items` on a Ray cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray sends usage statistics otherwise
    import ray
    import ray.data

    if not ray.is_initialized():  # RAY_ADDRESS names a cluster; without it a local one is started
        ray.init(
            log_to_driver=False,
            logging_level="error",
            include_dashboard=False,
            runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
        )
    logging.getLogger("ray.data").setLevel("ERROR")  # failures are raised anyway
    ray.data.DataContext.get_current().enable_progress_bars = False
    rows = [{"index": i, "json": json.dumps(item)} for i, item in enumerate(items)]
    min_blocks = min(len(rows), BLOCKS_PER_WORKER * (workers or ASSUMED_RAY_WORKERS))
    blocks = max(1, min(len(rows) // ITEMS_PER_BLOCK, MAX_BLOCKS), min_blocks)
    results = ray.data.from_items(rows, override_num_blocks=blocks).map(
        _run_row, fn_args=(function,), compute=ray.data.TaskPoolStrategy(workers)
    )
    arrived, index = {}, 0  # results come in the order in which blocks finish
    for row in results.iter_rows():
        arrived[row["index"]] = row["json"]
        while index in arrived:
            yield json.loads(arrived.pop(index))
            index += 1


def _run_row(row: dict, function: Callable[[dict], dict]) -> dict:
    """Return the result of one row of a Ray dataset, with the row's index."""
    return {"index": row["index"], "json": json.dumps(function(json.loads(row["json"])))}
