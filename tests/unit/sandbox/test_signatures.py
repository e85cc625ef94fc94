import pytest

from calisota.sandbox.signatures import Unreadable, c_glue, rust_glue


def test_c_parameters_get_the_reader_of_their_type():
    source = "/* int f(char x); */\nlong f(const char *s, double d, unsigned int n, bool b) { }\n"
    glue = c_glue(None, source, "f")
    assert "char * a0 = cal_text(cal_item(args, 0));" in glue
    assert "double a1 = cal_real(" in glue
    assert "unsigned int a2 = cal_int(" in glue
    assert "bool a3 = cal_bool(" in glue
    assert "cal_put(f(a0, a1, a2, a3));" in glue


def test_c_arrays_are_filled_from_lists():
    glue = c_glue(None, "int sum(int *values, size_t n)\n{ }", "sum")
    assert "CAL_ARRAY(int, a0, cal_item(args, 0), cal_int);" in glue
    assert "size_t a1 = cal_int(" in glue
    glue = c_glue(None, "double mean(const double xs[], int n) { }", "mean")
    assert "CAL_ARRAY(double, a0," in glue
    glue = c_glue(None, "int count(char **words, int n) { }", "count")
    assert "CAL_ARRAY(char *, a0, cal_item(args, 0), cal_text);" in glue


def test_a_c_function_without_value_or_parameters():
    glue = c_glue(None, "void f(void) { }", "f")
    assert "f();\n    cal_put_null();" in glue
    assert "cal_begin(argc, argv, 0)" in glue


def test_the_definition_counts_not_a_prototype_or_a_call():
    source = "int f(int);\nint main(void) { return f(1); }\nint f(int a) { return a; }\n"
    assert "int a0 = cal_int(" in c_glue(None, source, "f")


@pytest.mark.parametrize(
    "source",
    ["int g(int a) { }", "int f(struct node *n) { }", "int f(int **m) { }", "int f(T x) { }"],
)
def test_what_c_cannot_take_is_said(source: str):
    with pytest.raises(Unreadable, match=r"no function f|no JSON form"):
        c_glue(None, source, "f")


def test_rust_parameters_are_owned_and_passed_as_the_head_wants():
    source = (
        "fn f<'a>(s: &'a str, v: &[i64], m: &mut Vec<String>, n: u8, w: Vec<&str>) -> i32 { 0 }"
    )
    glue = rust_glue(None, source, "f")
    assert "let mut a0: String = driver::take(args, 0)?;" in glue
    assert "let mut a1: Vec<i64> =" in glue
    assert "let mut a2: Vec<String> =" in glue
    assert "let mut a3: u8 =" in glue
    assert "let mut a4: Vec<&str> = o4.iter()" in glue
    assert "f(&a0, &a1, &mut a2, a3, a4)" in glue


def test_commas_inside_brackets_do_not_split():
    glue = rust_glue(None, "fn f(a: HashMap<String, i32>, b: (i32, i32)) {}", "f")
    assert "let mut a0: HashMap<String, i32> =" in glue
    assert "let mut a1: (i32, i32) =" in glue


@pytest.mark.parametrize(
    "source",
    ["fn g() {}", "fn f<T>(a: T) {}", "fn f(a: &dyn Fn()) {}", "fn f(a: i32", "fn f(self) {}"],
)
def test_what_rust_cannot_take_is_said(source: str):
    with pytest.raises(Unreadable):
        rust_glue(None, source, "f")
