"""How long a process takes from its start to its end: Python, its imports, a first cut, and the commands of rnnlm.

    python benchmarks/startup.py [--model RUN] [--repeat 15]

Contenders take turns; the medians are told, in milliseconds, of the time that passed and of the time that processors
were busy, which other programs on the machine disturb less. The file of the dictionary is made before the first turn.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time

TEXT = "我昨天上学迟到了，老师批评了我。"
OURS = f"from rnnlm.text.tokenizer import make_tokenizer; make_tokenizer('jieba').cut('{TEXT}')"
COMMAND = "import sys; from rnnlm.cli.main import main; sys.argv[0] = 'rnnlm'; main()"
PROGRAMS = {
    "`python -c pass`": ["pass"],
    "import numpy": ["import numpy"],
    "import jieba": ["import jieba"],
    "jieba, one cut": [f"import jieba; jieba.lcut('{TEXT}')"],
    "rjieba, one cut": [f"import rjieba; rjieba.cut('{TEXT}')"],
    "rnnlm, one cut": [OURS],
    "numpy and rnnlm, one cut": [f"import numpy; {OURS}"],
    "`rnnlm --help`": [COMMAND, "--help"],
}


def run(program: list[str]) -> tuple[float, float]:
    """Milliseconds that passed, and that processors were busy."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", *program], check=True, capture_output=True)
    passed, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1e3 * passed, 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a run, to measure `rnnlm predict` too")
    parser.add_argument("--repeat", type=int, default=15)
    options = parser.parse_args()
    programs = dict(PROGRAMS)
    if options.model:
        programs["`rnnlm predict`"] = [COMMAND, "predict", TEXT, "--model", options.model]
    for name in list(programs):
        try:
            run(programs[name])
        except subprocess.CalledProcessError as error:  # a package that is not installed
            print(f"{name}: {error.stderr.decode().strip().splitlines()[-1]}", file=sys.stderr)
            del programs[name]
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for _ in range(options.repeat):
        for name, program in programs.items():
            times[name].append(run(program))
    print("| process | ms passed | ms busy |")
    print("|---|---:|---:|")
    for name, pairs in times.items():
        passed, busy = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"| {name} | {passed:.0f} | {busy:.0f} |")


if __name__ == "__main__":
    main()
