// Makes a program larger than the writable space.
// expect: compile_error
// says: ld
char area[200 << 20] = {1};

int main(void)
{
    return area[0] - 1;
}
