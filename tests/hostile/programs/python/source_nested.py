# Is nested deeper than the parser goes.
# expect: compile_error
# append: {"text": "(", "times": 20000}
# says: SyntaxError
print("held")
x = \
