// Is a source of open brackets in which a careless reader searches for the parameters.
// entry: f
// append: {"text": "fn f<", "times": 8000}
// test: {"call": {"args": [1]}, "returns": 42} -> compile_error
// says: error
