# Computes and returns numbers that cost more to write than to make.
# limits: wall_s=2 cpu_s=1
# entry: f
# test: {"call": {"args": [5]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [9]}, "returns": 42} -> time_limit memory_limit runtime_error
# test: {"call": {"args": [0]}, "returns": 42} -> time_limit
# test: {"code": "assert str(f(5))"} -> runtime_error
def f(x):
    if x == 0:
        return sum(1 for _ in iter(int, 1))
    return 7 ** (10**x)
