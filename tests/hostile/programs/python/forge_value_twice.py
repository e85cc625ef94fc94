# Puts the right answer before, after, around or beside the wrong one that it returns.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [2]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [3]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [4]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [5]}, "returns": 42.0, "compare": "float"} -> wrong_answer
import os

BEFORE = {
    1: b'{"value": 42}',
    2: b'{"value": 42}\n',
    3: b'{"value": 42}\0',
    4: b'{"value": 41, "value": 42}',
    5: b'{"value": NaN}',
}


def f(x):
    os.write(3, BEFORE[x])
    if x > 3:
        os._exit(0)
    return 41
