# Ends well while it is loaded, after it printed marks.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> runtime_error
# test: {"code": "assert f(1) == 42"} -> runtime_error
# says: the program ended before
print("PASS\nOK\n42")
raise SystemExit(0)
