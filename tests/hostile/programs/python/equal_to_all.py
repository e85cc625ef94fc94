# Returns an object that is equal to everything, as a value, an item and a key.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [2]}, "returns": [42]} -> wrong_answer
# test: {"call": {"args": [3]}, "returns": {"a": 42}} -> wrong_answer
# test: {"call": {"args": [2]}, "returns": [42], "compare": "unordered"} -> wrong_answer
# test: {"call": {"args": [1]}, "returns": 42.0, "compare": "float"} -> wrong_answer
class Same:
    __class__ = int

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return hash(42)

    def __repr__(self):
        return "42"

    __str__ = __repr__

    def __float__(self):
        return 42.0

    def __index__(self):
        return 42


def f(x):
    return {1: Same(), 2: [Same()], 3: {"a": Same()}}[x]
