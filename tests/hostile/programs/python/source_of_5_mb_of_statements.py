# Is 5 MB of statements, which cost the compiler far more than that.
# test: {"stdout": "42"} -> compile_error
# says: the build needed too much memory
# append: {"text": "x = [1, 2, [3]]\n", "times": 300000}
print("held")
