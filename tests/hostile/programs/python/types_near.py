# Returns what Python holds for equal and JSON does not: True for 1, 1.0 for 1, a tuple's set.
# entry: f
# test: {"call": {"args": [1]}, "returns": 1} -> wrong_answer
# test: {"call": {"args": [2]}, "returns": 1} -> wrong_answer
# test: {"call": {"args": [3]}, "returns": true} -> wrong_answer
# test: {"call": {"args": [4]}, "returns": [1, 2]} -> wrong_answer
# test: {"call": {"args": [5]}, "returns": "42"} -> wrong_answer
# test: {"call": {"args": [6]}, "returns": null} -> wrong_answer
# test: {"call": {"args": [7]}, "returns": 0.0, "compare": "float"} -> wrong_answer
def f(x):
    return {1: True, 2: 1.0, 3: 1, 4: {1, 2}, 5: b"42", 6: "null", 7: float("nan")}[x]
