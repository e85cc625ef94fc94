# Returns subclasses of the wanted types, whose comparison, text and length lie.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [2]}, "returns": "42"} -> wrong_answer
# test: {"call": {"args": [3]}, "returns": [42]} -> wrong_answer
# test: {"call": {"args": [4]}, "returns": {"a": 42}} -> wrong_answer
# says: no JSON form
class Number(int):
    def __eq__(self, other):
        return True

    def __repr__(self):
        return "42"

    __hash__ = int.__hash__


class Text(str):
    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


class Items(list):
    def __iter__(self):
        yield 42

    def __eq__(self, other):
        return True


class Table(dict):
    def items(self):
        return [("a", 42)]

    def __eq__(self, other):
        return True


def f(x):
    return {1: Number(7), 2: Text("7"), 3: Items(), 4: Table()}[x]
