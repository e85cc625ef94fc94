# Is longer than any record the runner takes.
# append: {"text": "# 34567890123456789012345678901234567890123456789\n", "times": 180000}
# expect: compile_error
# hole: a record of more than 8 MB ends the runner, so the test ends as internal_error
# says: too large
print("held")
