// Recurses until the stack's own limit, which is above the memory's.
// expect: memory_limit runtime_error
package main

func deeper(n int) int {
	var frame [4096]int
	frame[n%4096] = n
	return deeper(n+1) + frame[n*7%4096]
}

func main() { println(deeper(0)) }
