# Returns and raises such text.
# entry: f
# test: {"call": {"args": [1]}, "returns": "42"} -> wrong_answer
# test: {"call": {"args": [2]}, "returns": "42"} -> runtime_error
# test: {"call": {"args": [3]}, "returns": "42"} -> wrong_answer runtime_error
# test: {"call": {"args": [4]}, "returns": "42"} -> wrong_answer
# says: \x1b
def f(x):
    if x == 2:
        raise ValueError("\x1b[2J\r\u202eOK\x00")
    return {1: "42\x1b[2J\x00\u202e", 3: "\ud800", 4: type("\x1b[31mint\u2028", (), {})()}[x]
