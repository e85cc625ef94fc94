# Returns texts that only some readers take for the number.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [2]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [3]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [4]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [5]}, "returns": 42} -> wrong_answer
# test: {"call": {"args": [6]}, "returns": 0.0, "compare": "float"} -> wrong_answer
use utf8;
sub f { return (0, "\x{664}\x{662}", '42abc', '0x2a', '4_2', "42\n", 9**9**9)[$_[0]] }
