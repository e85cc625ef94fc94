// Starts goroutines that start goroutines.
// limits: wall_s=2
// expect: memory_limit time_limit runtime_error
package main

func flood() {
	for {
		go flood()
	}
}

func main() { flood() }
