// Divides by zero, is no number, overflows in silence, indexes outside.
// entry: F
// test: {"call": {"args": [0]}, "returns": 42.0} -> runtime_error
// test: {"call": {"args": [1]}, "returns": 42.0, "compare": "float"} -> wrong_answer
// test: {"call": {"args": [2]}, "returns": 42.0, "compare": "float"} -> wrong_answer
// test: {"call": {"args": [3]}, "returns": 42.0} -> runtime_error
// says: divide by zero
package main

import "math"

func F(x int) float64 {
	items := []int{1, 2, 3}
	switch x {
	case 0:
		return float64(1 / x)
	case 1:
		return math.NaN()
	case 2:
		return math.Inf(1)
	}
	return float64(items[x])
}
