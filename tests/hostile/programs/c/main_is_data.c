// Has no code where main should be.
// expect: runtime_error
// says: SIGSEGV
const int main[] = {0x90909090, 0xc3};
