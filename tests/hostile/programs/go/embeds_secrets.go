// Compiles into itself what only root may read, from outside its folder.
// expect: compile_error
// says: pattern
package main

import _ "embed"

//go:embed /etc/shadow
var shadow string

//go:embed ../../proc/1/environ
var environ string

func main() { println(shadow, environ) }
