# Writes its return value without end.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> output_limit
import os


def f(x):
    while True:
        os.write(3, b"x" * 65536)
