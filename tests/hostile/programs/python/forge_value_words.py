# Writes records of a pass on the driver's descriptor and leaves before the driver does.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [2]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [3]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [4]}, "returns": true} -> wrong_answer
import os

RECORDS = {
    1: b'{"completed": true}',
    2: b'{"passed": true, "accepted": true, "outcome": "accepted"}',
    3: b'{"value": 41, "returns": 41, "expected": 41}',
    4: b"true",
}


def f(x):
    os.write(3, RECORDS[x])
    os._exit(0)
