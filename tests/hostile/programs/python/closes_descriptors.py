# Closes or swaps the descriptors that the driver is to write on.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> runtime_error
# test: {"call": {"args": [2]}, "returns": 42} -> runtime_error
# test: {"call": {"args": [3]}, "returns": 41} -> accepted
import os


def f(x):
    if x == 1:
        os.close(3)
    if x == 2:
        os.dup2(1, 3)
    if x == 3:
        os.close(0)
        os.close(1)
        os.close(2)
        os.open("/dev/null", os.O_RDWR)
        os.open("/dev/null", os.O_RDWR)
        os.open("/dev/null", os.O_RDWR)
    return 41
