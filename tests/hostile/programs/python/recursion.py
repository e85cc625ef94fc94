# Recurses as deep as it can talk the interpreter into.
# test: {"argv": ["calls"], "stdout": "held"} -> runtime_error memory_limit
# test: {"argv": ["repr"], "stdout": "held"} -> runtime_error memory_limit
# test: {"argv": ["rest"], "stdout": "held"} -> accepted
import sys
import threading


def deeper(n):
    return deeper(n + 1) + 1


if sys.argv[1] != "rest":
    sys.setrecursionlimit(2**31 - 1)
if sys.argv[1] == "calls":
    deeper(0)
if sys.argv[1] == "repr":
    items = []
    for _ in range(10**5):
        items = [items]
    repr(items)
print("held")
