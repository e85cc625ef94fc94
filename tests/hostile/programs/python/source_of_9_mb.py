# Is longer than any record the runner takes.
# append: {"text": "# 34567890123456789012345678901234567890123456789\n", "times": 180000}
# expect: compile_error
# says: too large
print("held")
