// Asks for constants and types that no machine holds.
// expect: compile_error
// says: overflow
package main

const big = 1 << 400 << 400

var area [1 << 60]byte

func main() { println(big, len(area)) }
