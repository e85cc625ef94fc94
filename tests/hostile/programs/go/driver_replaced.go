// Declares the driver's own names.
// entry: F
// test: {"call": {"args": [1]}, "returns": 42} -> compile_error
// says: redeclared
package main

import "testing"

var calisotaEntry any = 42

func TestMain(m *testing.M) { println("PASS") }

func F(x int) int { return x + 40 }
