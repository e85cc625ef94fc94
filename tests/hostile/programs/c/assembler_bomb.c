// Has the assembler write endlessly many bytes.
// build_s: 6
// expect: compile_error
// says: the build
__asm__(".data\n.rept 100000\n.rept 100000\n.quad 1\n.endr\n.endr\n.text\n");

int main(void) { }
