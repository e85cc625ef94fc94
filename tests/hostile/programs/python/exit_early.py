# Ends well before the call was made, in each way a program can.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> runtime_error
# test: {"call": {"args": [2]}, "returns": 42} -> runtime_error
# test: {"call": {"args": [3]}, "returns": null} -> runtime_error
# test: {"code": "assert f(4) == 42"} -> runtime_error
# says: the program ended before
import os
import sys


def f(x):
    if x == 1:
        raise SystemExit(0)
    if x == 2:
        os._exit(0)
    if x == 3:
        os.execv("/usr/bin/true", ["true"])
    sys.exit(0)
