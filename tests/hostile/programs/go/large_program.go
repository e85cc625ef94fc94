// Makes a program that fits the build's space but not the memory of the tests.
// limits: memory_mb=16
// expect: compile_error memory_limit
package main

var area = [18 << 20]byte{0: 1, 18<<20 - 1: 1}

func main() {
	sum := 0
	for i := range area {
		sum += int(area[i])
	}
	println(sum)
}
