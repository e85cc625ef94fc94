# Writes the record of a completed code test: it is accepted, but marked as forgeable.
# entry: f
# test: {"code": "assert f(1) == 42"} -> cooperative
# test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
import os


def f(x):
    os.write(3, b'{"completed": true}')
    os._exit(0)
