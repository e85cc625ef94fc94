# Is no text: NUL, a false encoding, a mark of byte order.
# expect: compile_error
# append: {"text": "\u0000", "times": 1}
# says: null bytes
print("held")
