/* The call driver for C: runs beside a candidate, in the candidate's own process.
 *
 * The order is JSON on stdin, {"args": [...]}; the record goes to descriptor 3: {"value": ...} or
 * {"unsupported": "..."}. It knows no expected value: what it writes is data for the host's judge.
 * The glue that the host makes from the function's head uses the cal_ functions below. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum cal_kind { CAL_NULL, CAL_FALSE, CAL_TRUE, CAL_NUMBER, CAL_TEXT, CAL_LIST, CAL_OTHER };

struct cal_json {
    enum cal_kind kind;
    char *text; /* of a number as it was written; of a string decoded, NUL-terminated */
    size_t length;
    struct cal_json *items;
};

static char *cal_at;

static _Noreturn void cal_stop(const char *why)
{
    fprintf(stderr, "the call cannot be made: %s\n", why);
    exit(1);
}

static void *cal_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes + 1);
    if (!memory)
        cal_stop("no memory");
    return memory;
}

static void cal_space(void)
{
    cal_at += strspn(cal_at, " \t\r\n");
}

static unsigned cal_hex(void)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++, cal_at++) {
        const char *digits = "0123456789abcdef";
        const char *found = *cal_at ? strchr(digits, *cal_at | 32) : NULL;
        if (!found)
            cal_stop("bad escape");
        value = value * 16 + (unsigned)(found - digits);
    }
    return value;
}

static char *cal_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 63));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 63));
        *out++ = (char)(0x80 | (code & 63));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 63));
        *out++ = (char)(0x80 | (code >> 6 & 63));
        *out++ = (char)(0x80 | (code & 63));
    }
    return out;
}

static char *cal_parse_text(size_t *length)
{
    char *start = cal_alloc(strlen(cal_at)), *out = start;
    for (cal_at++; *cal_at != '"';) {
        if (!*cal_at)
            cal_stop("an open string");
        if (*cal_at != '\\') {
            *out++ = *cal_at++;
            continue;
        }
        const char *from = "\"\\/bfnrt", *to = "\"\\/\b\f\n\r\t";
        const char *found = strchr(from, cal_at[1]);
        if (cal_at[1] && found) {
            *out++ = to[found - from];
            cal_at += 2;
            continue;
        }
        cal_at += 2;
        unsigned code = cal_hex();
        if (code >= 0xd800 && code < 0xdc00 && cal_at[0] == '\\' && cal_at[1] == 'u') {
            cal_at += 2;
            code = 0x10000 + ((code - 0xd800) << 10) + (cal_hex() - 0xdc00);
        }
        out = cal_utf8(out, code);
    }
    cal_at++;
    *length = (size_t)(out - start);
    return start;
}

static struct cal_json cal_parse(int depth)
{
    struct cal_json value = {0};
    cal_space();
    if (depth > 200)
        cal_stop("nested too deeply");
    if (*cal_at == '"') {
        value.kind = CAL_TEXT;
        value.text = cal_parse_text(&value.length);
    } else if (*cal_at == '[' || *cal_at == '{') {
        bool list = *cal_at++ == '[';
        value.kind = list ? CAL_LIST : CAL_OTHER;
        for (size_t room = 0; cal_space(), *cal_at != (list ? ']' : '}');) {
            size_t ignored;
            bool wanted = list;
            if (!list) {
                char *key = cal_parse_text(&ignored);
                wanted = depth == 0 && !strcmp(key, "args");
                cal_space();
                cal_at++;
            }
            struct cal_json item = cal_parse(depth + 1);
            if (!list && wanted)
                value = item, value.kind = CAL_OTHER;
            if (list && value.length == room) {
                room = room * 2 + 4;
                value.items = realloc(value.items, room * sizeof item);
                if (!value.items)
                    cal_stop("no memory");
            }
            if (list)
                value.items[value.length++] = item;
            cal_space();
            if (*cal_at == ',')
                cal_at++;
        }
        cal_at++;
    } else {
        size_t length = strcspn(cal_at, ",]} \t\r\n");
        value.text = cal_alloc(length);
        memcpy(value.text, cal_at, length);
        cal_at += length;
        value.kind = *value.text == 't' ? CAL_TRUE
            : *value.text == 'f'        ? CAL_FALSE
            : *value.text == 'n'        ? CAL_NULL
                                        : CAL_NUMBER;
    }
    return value;
}

static void cal_write(const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t done = write(3, text, left);
        if (done <= 0)
            _exit(4);
        text += done;
        left -= (size_t)done;
    }
}

/* The arguments; ends at once where the program was only to be loaded. */
static inline const struct cal_json *cal_begin(int argc, char **argv, size_t count)
{
    static struct cal_json order;
    size_t room = 1 << 16, length = 0;
    if (argc < 2 || !strcmp(argv[1], "load")) {
        cal_write("{\"completed\": true}");
        _exit(0);
    }
    char *text = cal_alloc(room);
    for (ssize_t got; (got = read(0, text + length, room - length)) > 0;) {
        length += (size_t)got;
        if (length == room && !(text = realloc(text, (room *= 2) + 1)))
            cal_stop("no memory");
    }
    text[length] = 0;
    cal_at = text;
    order = cal_parse(0);
    if (order.length != count) {
        char why[80];
        snprintf(why, sizeof why, "%zu arguments given, %zu taken", order.length, count);
        cal_stop(why);
    }
    return &order;
}

static inline const struct cal_json *cal_item(const struct cal_json *list, size_t at)
{
    return &list->items[at];
}

static inline long long cal_int(const struct cal_json *value)
{
    if (value->kind != CAL_NUMBER || strpbrk(value->text, ".eE"))
        cal_stop("an argument is no integer");
    errno = 0;
    if (*value->text != '-')
        return (long long)strtoull(value->text, NULL, 10);
    return strtoll(value->text, NULL, 10);
}

static inline double cal_real(const struct cal_json *value)
{
    if (value->kind != CAL_NUMBER)
        cal_stop("an argument is no number");
    return strtod(value->text, NULL);
}

static inline bool cal_bool(const struct cal_json *value)
{
    if (value->kind != CAL_TRUE && value->kind != CAL_FALSE)
        return cal_int(value) != 0;
    return value->kind == CAL_TRUE;
}

static inline char *cal_text(const struct cal_json *value)
{
    if (value->kind == CAL_NULL)
        return NULL;
    if (value->kind != CAL_TEXT)
        cal_stop("an argument is no string");
    return value->text;
}

static inline char cal_char(const struct cal_json *value)
{
    return value->kind == CAL_TEXT ? *value->text : (char)cal_int(value);
}

static inline const struct cal_json *cal_list(const struct cal_json *value)
{
    if (value->kind != CAL_LIST)
        cal_stop("an argument is no list");
    return value;
}

#define CAL_ARRAY(type, name, json, convert) \
    const struct cal_json *name##_list = cal_list(json); \
    type *name = cal_alloc(name##_list->length * sizeof(type)); \
    for (size_t i = 0; i < name##_list->length; i++) \
        name[i] = (type)convert(&name##_list->items[i])

static inline void cal_put_format(const char *format, ...)
{
    char text[200];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    cal_write(text);
}

static inline void cal_put_null(void)
{
    cal_write("{\"value\": null}");
}

static inline void cal_put_bool(bool value)
{
    cal_put_format("{\"value\": %s}", value ? "true" : "false");
}

static inline void cal_put_int(long long value)
{
    cal_put_format("{\"value\": %lld}", value);
}

static inline void cal_put_uint(unsigned long long value)
{
    cal_put_format("{\"value\": %llu}", value);
}

static inline void cal_put_real(double value)
{
    char text[64];
    snprintf(text, sizeof text, "%.17g", value);
    if (!isfinite(value))
        cal_put_format("{\"unsupported\": \"number %s\"}", text);
    else
        cal_put_format("{\"value\": %s%s}", text, strpbrk(text, ".e") ? "" : ".0");
}

static inline void cal_put_text(const char *value)
{
    if (!value) {
        cal_put_null();
        return;
    }
    char *text = cal_alloc(6 * strlen(value) + 16), *at = text;
    at += sprintf(at, "{\"value\": \"");
    for (; *value; value++) {
        unsigned char byte = (unsigned char)*value;
        if (byte < 32 || byte == '"' || byte == '\\' || byte == 127)
            at += sprintf(at, "\\u%04x", byte);
        else
            *at++ = (char)byte;
    }
    strcpy(at, "\"}");
    cal_write(text);
}

static inline void cal_put_char(char value)
{
    char text[2] = {value, 0};
    cal_put_text(text);
}

static inline void cal_put_other(const void *value)
{
    (void)value;
    cal_write("{\"unsupported\": \"a pointer\"}");
}

#define cal_put(value) \
    _Generic((value), bool: cal_put_bool, char: cal_put_char, signed char: cal_put_int, \
        short: cal_put_int, int: cal_put_int, long: cal_put_int, long long: cal_put_int, \
        unsigned char: cal_put_uint, unsigned short: cal_put_uint, unsigned: cal_put_uint, \
        unsigned long: cal_put_uint, unsigned long long: cal_put_uint, float: cal_put_real, \
        double: cal_put_real, char *: cal_put_text, const char *: cal_put_text, \
        default: cal_put_other)(value)

static inline int cal_end(void)
{
    fflush(NULL);
    _exit(0);
}
