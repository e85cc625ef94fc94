// Forges in init, before main and before any test, and leaves.
// entry: F
// test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
// test: {"code": "if F(1) != 42 { panic(1) }"} -> cooperative
package main

import "os"

func init() {
	os.NewFile(3, "").WriteString(`{"completed": true}`)
	os.Stdout.WriteString("--- PASS: TestF (0.00s)\nPASS\n")
	os.Exit(0)
}

func F(x int) int { return x + 40 }
