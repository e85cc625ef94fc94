// Is a source of words in which a careless reader searches for the function for hours.
// entry: f
// append: {"text": "a ", "times": 7000}
// test: {"call": {"args": [1]}, "returns": 42} -> compile_error
// says: unknown type name
