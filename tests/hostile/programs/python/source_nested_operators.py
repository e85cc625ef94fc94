# Is nested deeper than the compiler goes, in a way the parser takes.
# expect: compile_error
# append: {"text": "-", "times": 100000}
# says: MemoryError
print("held")
x = 1 + \
