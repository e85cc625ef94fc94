# Is 5 MB long, in one text: it runs.
# test: {"stdout": "held"} -> accepted
# append: {"text": "# 34567890123456789012345678901234567890123456789\n", "times": 100000}
print("held")
