// Ignores every signal and waits.
// limits: wall_s=1
// expect: time_limit
package main

import (
	"os/signal"
	"time"
)

func main() {
	signal.Ignore()
	go func() {
		for {
		}
	}()
	time.Sleep(time.Hour)
}
