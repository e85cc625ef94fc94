// Nests a type that doubles at each level.
// build_s: 15
// expect: compile_error
// says: solution.go
package main

type a struct{ x, y b }
type b struct{ x, y [1 << 20]c }
type c struct{ x, y [1 << 20]d }
type d struct{ x, y [1 << 20]a }

func main() { var one a; println(one) }
