// Locks a goroutine to a thread of its own, thousands of times.
// limits: output_kb=512
// test: {"stdout": "held"} -> runtime_error time_limit
// test: {"stdout": "held"} -> runtime_error time_limit
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
