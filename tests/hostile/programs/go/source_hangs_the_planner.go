// Is a comment of empty lines in which a careless reader searches for the package.
// entry: F
// append: {"text": "/*", "times": 1}
// append: {"text": "\n", "times": 40000}
// append: {"text": "*/ package main\n\nfunc main() {}\n\nfunc F(x int) int { return x + 40 }\n", "times": 1}
// test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
