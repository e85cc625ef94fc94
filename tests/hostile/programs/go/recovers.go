// Turns panics into a good end, from deferred calls and other goroutines.
// entry: F
// test: {"call": {"args": [1]}, "returns": 42} -> runtime_error
// test: {"call": {"args": [2]}, "returns": 42} -> runtime_error
// test: {"code": "if F(3) != 42 { panic(1) }"} -> runtime_error
// says: the program ended before
package main

import "os"

func F(x int) int {
	defer func() {
		recover()
		os.Exit(0)
	}()
	if x == 2 {
		go os.Exit(0)
		select {}
	}
	panic("wrong")
}
