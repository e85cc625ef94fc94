# Prints numbers in scripts and notations that only some readers take for the answer.
# test: {"stdout": "42", "compare": "float"} -> wrong_answer
# test: {"stdout": "42 1000", "compare": "float"} -> wrong_answer
# test: {"stdout": "1e400 nan inf", "compare": "float"} -> wrong_answer
# test: {"stdout": "42", "compare": "tokens"} -> wrong_answer
print("\u0664\u0662 1_000 nan")
