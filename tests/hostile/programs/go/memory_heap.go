// Takes memory until there is none.
// expect: memory_limit
package main

func main() {
	var taken [][]byte
	for {
		one := make([]byte, 1<<20)
		for i := range one {
			one[i] = 1
		}
		taken = append(taken, one)
	}
}
