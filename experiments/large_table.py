"""A table of any size into files: what memory it takes, and what is left of a run that is killed again and again.

    python experiments/large_table.py [memory] [kills] [dask] [--rows 10000 1000000] [--kills 50] [--of lazy folder]
                                      [--out results/large_table]

memory  a Parquet file of so many rows by 20 columns, kernel_shap at 42 coalitions on 10 background rows, in parts of 1,000
        rows: seconds, rows a second, bytes a row of the parts, and the process's memory before the call and at most
kills   a run of 24 parts that is killed (SIGKILL) at a random instant between its start and its end, and begun again, so
        many times: whether the files are those of a run that nobody disturbed, byte by byte
dask    so many rows by 20 columns, kernel_shap at 42 coalitions on 5 background rows, in parts of 5,000, while a dask
        cluster of two processes answers: of a DataFrame of dask whose partitions are made when they are asked for (lazy),
        and of a folder of Parquet files with the same rows; rows a second, the memory of this process and of the workers at
        most, and whether the first, the middle and the last partition, each explained alone by one process, come out the
        same to the bit
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MEMORY = ["rows", "seconds", "rows_a_second", "bytes_a_row", "megabytes_before", "megabytes_at_most"]
KILLS = ["number", "killed_after", "parts_then", "same"]
DASK = ["source", "rows", "partitions", "seconds", "rows_a_second", "megabytes_before", "megabytes_at_most",
        "megabytes_of_workers", "same_alone"]  # fmt: skip
N_COLUMNS = 20
A_PARTITION = 10_000  # rows


def write_table(path: Path, n_rows: int) -> None:
    """A table of normal numbers, a group of rows after the other, so that it is never held."""
    import numpy as np
    import pyarrow
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    names = [f"c{d:02d}" for d in range(N_COLUMNS)]
    writer = None
    for start in range(0, n_rows, 50_000):
        block = rng.normal(size=(min(50_000, n_rows - start), N_COLUMNS))
        table = pyarrow.table({name: block[:, d] for d, name in enumerate(names)})
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def model_of(pause: float) -> Callable[[Any], Any]:
    """A smooth function that costs next to nothing, but that it waits so many seconds at each call."""
    import numpy as np

    slopes = np.random.default_rng(1).normal(size=N_COLUMNS)

    def smooth(rows: Any) -> Any:
        time.sleep(pause)
        table = rows.to_numpy()
        # column by column: a product of matrices sums a row otherwise at another place of the batch
        return (
            np.tanh(sum(slope * column for slope, column in zip(slopes, table.T, strict=True))) + table[:, 0] * table[:, 1]
        )

    return smooth


def explain_table(source: str, folder: str, part_rows: int, budget: int, pause: float) -> dict[str, float]:
    """The run that is measured, in this process. pause: seconds that the model waits at each call."""
    from pyarrow import parquet

    import perturbxai as px

    with parquet.ParquetFile(source, pre_buffer=False) as file:
        X = next(file.iter_batches(batch_size=5000)).to_pandas()
    predictor, space = px.Predictor(model_of(pause)), px.TabularSpace(X, background=10)
    px.explain("kernel_shap", predictor, space, X.iloc[:50], budget=budget)  # loads what the run needs
    before, began = _megabytes("VmRSS"), time.perf_counter()
    px.explain_to(folder, "kernel_shap", predictor, space, source, budget=budget, part_rows=part_rows)
    return {"seconds": time.perf_counter() - began, "before": before, "at_most": _megabytes("VmHWM")}


def partition(number: int, n_rows: int) -> Any:
    """A partition of a table that nobody holds, made of its number."""
    import numpy as np
    import pandas as pd

    names = [f"c{d:02d}" for d in range(N_COLUMNS)]
    return pd.DataFrame(np.random.default_rng([0, number]).normal(size=(n_rows, N_COLUMNS)), columns=names)


def explain_on_dask(source: str, n_rows: int, folder: str) -> dict[str, Any]:
    """The run that a cluster answers. source: a folder of Parquet files, made here, or "" for a DataFrame of dask."""
    import joblib
    from dask import dataframe
    from distributed import Client, LocalCluster

    import perturbxai as px

    size = min(A_PARTITION, n_rows)
    x = dataframe.from_map(partition, range(n_rows // size), n_rows=size, meta=partition(0, 0))
    X = partition(0, size).iloc[:5000]
    predictor, space = px.Predictor(model_of(0)), px.TabularSpace(X, background=5)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        if source:
            x.to_parquet(source, write_index=False, name_function="{:06d}.parquet".format)
        px.explain("kernel_shap", predictor, space, X.iloc[:50], budget=42)  # loads what the run needs
        before, began = _megabytes("VmRSS"), time.perf_counter()
        px.explain_to(folder, "kernel_shap", predictor, space, source or x, budget=42, part_rows=5000)
        seconds, workers = time.perf_counter() - began, client.run(_megabytes, "VmHWM")
    found = {"seconds": seconds, "before": before, "at_most": _megabytes("VmHWM"), "workers": max(workers.values())}
    numbers = sorted({0, n_rows // size // 2, n_rows // size - 1})
    return found | {"same": all(same_alone(number, size, folder, predictor, space) for number in numbers)}


def same_alone(number: int, size: int, folder: str, predictor: Any, space: Any) -> bool:
    """Whether a partition that is explained alone, by one process, has the numbers that it has in a folder of parts."""
    import pandas as pd

    import perturbxai as px

    rows = range(number * size, (number + 1) * size)
    there = pd.read_parquet(f"{folder}/parts", filters=[("row", ">=", rows[0]), ("row", "<=", rows[-1])])
    with tempfile.TemporaryDirectory() as alone:
        px.explain_to(alone, "kernel_shap", predictor, space, partition(number, size), budget=42, part_rows=size, n_jobs=1)
        own = pd.read_parquet(f"{alone}/parts")
    there, own = there.sort_values("row", ignore_index=True), own.assign(row=own["row"] + rows[0])
    return bool(there.equals(own))


def _megabytes(what: str) -> float:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{what}:"))


def memory(n_rows: int, place: Path) -> dict[str, Any]:
    source, folder = place / "table.parquet", place / "parts"
    _elsewhere("write", str(source), str(n_rows))
    found = json.loads(_elsewhere("explain", str(source), str(folder), "1000", "42", "0"))
    size = sum(path.stat().st_size for path in (folder / "parts").iterdir())
    shutil.rmtree(folder)
    return {
        "rows": n_rows, "seconds": round(found["seconds"], 1), "rows_a_second": round(n_rows / found["seconds"]),
        "bytes_a_row": round(size / n_rows), "megabytes_before": round(found["before"]),
        "megabytes_at_most": round(found["at_most"]),
    }  # fmt: skip


def on_dask(n_rows: int, kind: str, place: Path) -> dict[str, Any]:
    source, folder = place / "rows" if kind == "folder" else "", place / "parts"
    found = json.loads(_elsewhere("dask", str(source), str(n_rows), str(folder)))
    shutil.rmtree(folder)
    return {
        "source": kind, "rows": n_rows, "partitions": max(1, n_rows // A_PARTITION),
        "seconds": round(found["seconds"], 1), "rows_a_second": round(n_rows / found["seconds"]),
        "megabytes_before": round(found["before"]), "megabytes_at_most": round(found["at_most"]),
        "megabytes_of_workers": round(found["workers"]), "same_alone": found["same"],
    }  # fmt: skip


def _command(*arguments: str) -> list[str]:
    return [sys.executable, str(Path(__file__).resolve()), *arguments]


def _elsewhere(*arguments: str) -> str:
    return subprocess.run(_command(*arguments), check=True, capture_output=True, text=True).stdout


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of all that a run leaves but its times."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((folder / "parts").iterdir())}


def kills(n_kills: int, seed: int, place: Path, done: Callable[[dict[str, Any]], None]) -> None:
    source, whole = place / "table.parquet", place / "whole"
    _elsewhere("write", str(source), "1200")
    run = _command("explain", str(source), str(whole), "50", "80", ".02")
    began = time.perf_counter()
    subprocess.run(run, check=True, capture_output=True)
    usual, undisturbed, rng = time.perf_counter() - began, digests(whole), random.Random(seed)
    for number in range(n_kills):
        folder = place / f"killed{number}"
        run = _command("explain", str(source), str(folder), "50", "80", ".02")
        after = rng.uniform(0, usual)
        process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(after)
        process.kill()
        process.communicate()
        parts = len(list((folder / "parts").glob("part-*"))) if folder.is_dir() else 0
        subprocess.run(run, check=True, capture_output=True)
        done({"number": number, "killed_after": round(after, 2), "parts_then": parts,
              "same": digests(folder) == undisturbed and (folder / "manifest.json").is_file()})  # fmt: skip
        shutil.rmtree(folder)


def _write(path: Path, columns: list[str], line: dict[str, Any]) -> None:
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        if new:
            writer.writeheader()
        writer.writerow(line)
    print(", ".join(f"{key} {value}" for key, value in line.items()), flush=True)


def main() -> None:
    if sys.argv[1:2] == ["write"]:
        write_table(Path(sys.argv[2]), int(sys.argv[3]))
        return
    if sys.argv[1:2] == ["explain"]:
        source, folder, part_rows, budget, pause = sys.argv[2:]
        print(json.dumps(explain_table(source, folder, int(part_rows), int(budget), float(pause))))
        return
    if sys.argv[1:2] == ["dask"] and len(sys.argv) == 5:
        print(json.dumps(explain_on_dask(sys.argv[2], int(sys.argv[3]), sys.argv[4])))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["memory", "kills", "dask", []], help="which; all by default")
    parser.add_argument("--rows", nargs="+", type=int, default=[10_000, 1_000_000])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--of", nargs="+", choices=["lazy", "folder"], default=["lazy", "folder"], help="tables on dask")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="results/large_table")
    given = parser.parse_args()
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        if "memory" in (given.parts or ["memory"]):
            for n_rows in given.rows:
                _write(out / "memory.csv", MEMORY, memory(n_rows, Path(place)))
        if "dask" in (given.parts or ["dask"]):
            for n_rows in given.rows:
                for kind in given.of:
                    with tempfile.TemporaryDirectory() as own:
                        _write(out / "dask.csv", DASK, on_dask(n_rows, kind, Path(own)))
        if "kills" in (given.parts or ["kills"]):
            kills(given.kills, given.seed, Path(place), lambda line: _write(out / "kills.csv", KILLS, line))


if __name__ == "__main__":
    main()
