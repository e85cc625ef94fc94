// Writes the right record beside the driver's wrong one, and turns its memory upside down.
// entry: F
// test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
// test: {"call": {"args": [2]}, "returns": 42} -> wrong_answer runtime_error
package main

import (
	"os"
	"unsafe"
)

var digits = "0001020304"

func F(x int) int {
	if x == 1 {
		os.NewFile(3, "").WriteString(`{"value": 42}`)
	} else {
		header := *(*uintptr)(unsafe.Pointer(&digits))
		*(*byte)(unsafe.Pointer(header)) = '9'
	}
	return 41
}
