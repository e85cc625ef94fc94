// Has the build compile C and run its own flags.
// expect: compile_error
// says: build constraints exclude
package main

// #cgo LDFLAGS: -Wl,--wrap=write -fplugin=/work/src/evil.so
// #include "/etc/shadow"
import "C"

func main() { C.puts(nil) }
