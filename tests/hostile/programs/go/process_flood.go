// Starts itself again and again, and waits for nobody.
// limits: wall_s=1
// test: {"argv": ["bomb"], "stdout": "held"} -> time_limit memory_limit
// test: {"argv": ["rest"], "stdout": "held"} -> accepted
package main

import (
	"fmt"
	"os"
	"os/exec"
)

func main() {
	for os.Args[1] == "bomb" {
		_ = exec.Command(os.Args[0], "bomb").Start()
	}
	fmt.Println("held")
}
