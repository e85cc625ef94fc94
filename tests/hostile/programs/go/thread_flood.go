// Locks a goroutine to a thread of its own, thousands of times.
// test: {"stdout": "held"} -> runtime_error output_limit
// test: {"stdout": "held"} -> runtime_error output_limit
package main

import (
	"fmt"
	"runtime"
	"time"
)

func main() {
	for i := 0; i < 5000; i++ {
		go func() {
			runtime.LockOSThread()
			time.Sleep(time.Hour)
		}()
	}
	time.Sleep(time.Second)
	fmt.Println("started 5000")
}
