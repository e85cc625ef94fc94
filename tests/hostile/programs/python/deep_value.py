# Returns values that are nested without end or too big to carry.
# entry: f
# test: {"call": {"args": [1]}, "returns": []} -> wrong_answer
# test: {"call": {"args": [2]}, "returns": []} -> wrong_answer
# test: {"call": {"args": [3]}, "returns": []} -> wrong_answer runtime_error
# test: {"call": {"args": [4]}, "returns": []} -> output_limit
# test: {"call": {"args": [5]}, "returns": []} -> wrong_answer
import os


def f(x):
    items = []
    if x == 1:
        for _ in range(100_000):
            items = [items]
    if x == 2:
        items.append(items)
    if x == 3:
        items = iter(int, 1)
    if x == 4:
        items = "x" * 4_000_000
    if x == 5:
        os.write(3, b'{"value": ' + b"[" * 200_000 + b"]" * 200_000 + b"}")
        os._exit(0)
    return items
