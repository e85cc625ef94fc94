# Is nested deeper than the parser goes.
# expect: compile_error
# append: {"text": "(", "times": 200000}
# says: SyntaxError
print("held")
x = \
