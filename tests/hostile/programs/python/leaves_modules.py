# Leaves modules that the next test would import before the library's.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [2]}, "returns": 42} -> wrong_answer
# says: expected 42, got 41
import os

try:
    import left_behind  # noqa: F401

    SEEN = 42
except ImportError:
    SEEN = 41


def f(x):
    for folder in ("/tmp", "/work/cell", "/work/src", "/work/build", os.getcwd()):
        for name in ("left_behind.py", "json.py", "sitecustomize.py", "usercustomize.py"):
            try:
                with open(f"{folder}/{name}", "w") as file:
                    file.write("raise SystemExit(0)")
            except OSError:
                pass
    return SEEN
