// Makes a program that fits the build's space but not the memory of the tests.
// limits: memory_mb=16
// problem: {"files": {"area.s": "#include \"textflag.h\"\nDATA ·area+0(SB)/8, $1\nDATA ·area+41943032(SB)/8, $1\nGLOBL ·area(SB), RODATA, $41943040\n"}}
// test: {"stdout": "held"} -> compile_error memory_limit runtime_error
// says: 
package main

var area [41943040]byte

func main() {
	sum := 0
	for i := 0; i < len(area); i += 4096 {
		sum += int(area[i])
	}
	println(sum)
}
