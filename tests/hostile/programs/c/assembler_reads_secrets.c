// Has the assembler copy what only root may read into the program.
// expect: compile_error
// says: /etc/shadow
#include <stdio.h>

__asm__(".data\n.globl secret\nsecret:\n.incbin \"/etc/shadow\"\n.byte 0\n.text\n");
extern char secret[];

int main(void)
{
    puts(secret);
}
