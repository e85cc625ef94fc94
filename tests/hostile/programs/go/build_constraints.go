// Excludes itself from the build, so that nothing is left to test.
// expect: compile_error
// says: build constraints exclude all Go files
//go:build never

package main

func main() { println("held") }
