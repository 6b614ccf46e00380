/* json.c - see json.h. pf_json is jansson's json_t under a name of our own. */
#include "core/base/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/base64.h"
#include "core/base/buf.h"
#include "core/base/c_locale.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

static const json_t *in(const pf_json *json)
{
    return (const json_t *)json;
}

static pf_json *parse(const char *text, size_t n, json_error_t *why)
{
    return (pf_json *)json_loadb(n ? text : "", n,
                                 JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, why);
}

static bool refuse(const json_error_t *why, pf_err *err)
{
    pf_code code =
        json_error_code(why) == json_error_out_of_memory ? PF_ERR_NOMEM : PF_ERR_FORMAT;
    return pf_fail(err, code, "not valid JSON at line %d, column %d: %s", why->line,
                   why->column, why->text);
}

bool pf_json_parse(pf_json **out, const char *text, size_t n, pf_err *err)
{
    json_error_t why;
    return (*out = parse(text, n, &why)) || refuse(&why, err);
}

/* ---- numbers that do not fit ---- */

static size_t digits_at(const char *text, size_t n, size_t at)
{
    size_t end = at;
    while (end < n && text[end] >= '0' && text[end] <= '9')
        end++;
    return end - at;
}

/* The length of the JSON number that begins at `at`; 0: none does. */
static size_t number_at(const char *text, size_t n, size_t at)
{
    size_t end = at + (text[at] == '-');
    const size_t digits = digits_at(text, n, end);
    if (digits == 0 || (digits > 1 && text[end] == '0'))
        return 0;
    end += digits;
    if (end < n && text[end] == '.') {
        const size_t more = digits_at(text, n, end + 1);
        if (more == 0)
            return 0;
        end += 1 + more;
    }
    if (end < n && (text[end] == 'e' || text[end] == 'E')) {
        const bool has_sign =
            end + 1 < n && strchr("+-", text[end + 1]) != NULL && text[end + 1] != '\0';
        const size_t more = digits_at(text, n, end + 1 + has_sign);
        if (more == 0)
            return 0;
        end += 1 + has_sign + more;
    }
    return end - at;
}

/* The length of the string that begins at `at` with a quote, both quotes included. */
static size_t string_at(const char *text, size_t n, size_t at)
{
    size_t end = at + 1;
    while (end < n && text[end] != '"')
        end += text[end] == '\\' ? 2 : 1;
    return (end < n ? end + 1 : n) - at;
}

/* Certainly: 18 digits are an int64_t, two in the exponent a double. */
static bool fits(const char *number, size_t n)
{
    size_t exponent = 0;
    while (exponent < n && number[exponent] != 'e' && number[exponent] != 'E')
        exponent++;
    return exponent <= 18 && n - exponent <= 3;
}

/* The same text, and in quotes the numbers that may not fit. */
static bool quote_numbers(pf_buf *out, const char *text, size_t n, pf_err *err)
{
    bool ok = true;
    for (size_t at = 0, length; ok && at < n; at += length) {
        const bool is_string = text[at] == '"';
        length = is_string ? string_at(text, n, at) : number_at(text, n, at);
        const bool is_quoted = !is_string && !fits(text + at, length);
        length = length > 0 ? length : 1;
        ok = (!is_quoted || pf_buf_add(out, "\"", 1, err)) &&
             pf_buf_add(out, text + at, length, err) &&
             (!is_quoted || pf_buf_add(out, "\"", 1, err));
    }
    return ok;
}

bool pf_json_parse_texts(pf_json **out, const char *text, size_t n, pf_err *err)
{
    json_error_t why;
    if ((*out = parse(text, n, &why)))
        return true;
    if (json_error_code(&why) != json_error_numeric_overflow)
        return refuse(&why, err);
    pf_buf quoted;
    pf_buf_init(&quoted, 2 * n);
    const bool ok = quote_numbers(&quoted, text, n, err) &&
                    pf_json_parse(out, quoted.data, quoted.size, err);
    pf_buf_free(&quoted);
    return ok;
}

bool pf_json_parse_file(pf_json **out, const char *path, size_t max_bytes, pf_err *err)
{
    *out = NULL;
    struct stat st;
    if (stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return true;
    pf_buf text;
    pf_buf_init(&text, max_bytes);
    const bool ok = pf_file_read(path, &text, err) &&
                    (pf_json_parse(out, text.data, text.size, err) ||
                     pf_fail_in(err, "'%s'", path));
    pf_buf_free(&text);
    return ok;
}

void pf_json_free(pf_json *json)
{
    json_decref((json_t *)json);
}

pf_json_kind pf_json_get_kind(const pf_json *json)
{
    switch (json_typeof(in(json))) {
    case JSON_OBJECT:
        return PF_JSON_OBJECT;
    case JSON_ARRAY:
        return PF_JSON_ARRAY;
    case JSON_STRING:
        return PF_JSON_STRING;
    case JSON_INTEGER:
        return PF_JSON_INT;
    case JSON_REAL:
        return PF_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return PF_JSON_BOOL;
    case JSON_NULL:
        break;
    }
    return PF_JSON_NULL;
}

const pf_json *pf_json_get(const pf_json *obj, const char *key)
{
    return (const pf_json *)json_object_get(in(obj), key);
}

size_t pf_json_size(const pf_json *json)
{
    return json_is_object(in(json)) ? json_object_size(in(json))
                                    : json_array_size(in(json));
}

const pf_json *pf_json_at(const pf_json *array, size_t i)
{
    return (const pf_json *)json_array_get(in(array), i);
}

bool pf_json_to_bool(const pf_json *json, bool *out)
{
    if (!json_is_boolean(in(json)))
        return false;
    *out = json_is_true(in(json));
    return true;
}

bool pf_json_to_int(const pf_json *json, int64_t *out)
{
    if (!json_is_integer(in(json)))
        return false;
    *out = json_integer_value(in(json));
    return true;
}

bool pf_json_to_real(const pf_json *json, double *out)
{
    if (!json_is_number(in(json)))
        return false;
    *out = json_number_value(in(json));
    return true;
}

const char *pf_json_string(const pf_json *json, size_t *n)
{
    if (n && json_is_string(in(json)))
        *n = json_string_length(in(json));
    return json_string_value(in(json));
}

bool pf_json_next_member(const pf_json *obj, pf_json_member *m)
{
    json_t *o = (json_t *)(uintptr_t)obj;
    m->at = m->at ? json_object_iter_next(o, m->at) : json_object_iter(o);
    if (!m->at)
        return false;
    m->key = json_object_iter_key(m->at);
    m->value = (const pf_json *)json_object_iter_value(m->at);
    return true;
}

void pf_json_writer_init(pf_json_writer *w, FILE *file)
{
    *w = (pf_json_writer){.file = file, .is_first = true};
}

/* A text may have millions of them, and printf() takes its time. */
static void write_escape(FILE *file, uint32_t code)
{
    static const char digits[] = "0123456789ABCDEF";
    const char escape[] = {'\\',
                           'u',
                           digits[code >> 12 & 15],
                           digits[code >> 8 & 15],
                           digits[code >> 4 & 15],
                           digits[code & 15]};
    fwrite(escape, 1, sizeof escape, file);
}

static bool must_be_escaped(uint32_t code)
{
    return code == 0x2028 || code == 0x2029 || pf_utf8_is_control(code);
}

/* jansson leaves all past U+007F, and DEL, as it is: what drives a terminal or turns
 * the direction of writing is escaped here. All of these are below U+10000, and bytes
 * come in whole characters (what is escaped and what is not, each in one piece). */
static int to_file(const char *bytes, size_t n, void *file)
{
    size_t done = 0, length;
    for (size_t i = 0; i < n; i += length) {
        uint32_t code = 'a';
        length = pf_utf8_decode(bytes + i, n - i, &code);
        length = length > 0 ? length : 1;
        if (!must_be_escaped(code))
            continue;
        fwrite(bytes + done, 1, i - done, file);
        write_escape(file, code);
        done = i + length;
    }
    return fwrite(bytes + done, 1, n - done, file) == n - done ? 0 : -1;
}

static char *dump(const pf_json *json, size_t flags, pf_err *err)
{
    char *dumped = NULL;
    size_t n;
    FILE *file = open_memstream(&dumped, &n);
    bool ok = file && json_dump_callback((const json_t *)json, to_file, file,
                                         JSON_ENCODE_ANY | JSON_COMPACT | flags) == 0;
    if (file && fclose(file) != 0)
        ok = false;
    char *text = ok ? pf_strdup(dumped, err) : NULL;
    if (!ok)
        pf_fail(err, PF_ERR_NOMEM, "out of memory (JSON)");
    pf_free(dumped);
    return text;
}

char *pf_json_text(const pf_json *json, pf_err *err)
{
    return dump(json, 0, err);
}

char *pf_json_sorted_text(const pf_json *json, pf_err *err)
{
    return dump(json, JSON_SORT_KEYS, err);
}

/* NULL: it has none that is short. */
static const char *short_escape(uint32_t code)
{
    switch (code) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

/* What jansson and to_file() make of a text, without a printf() for each character of
 * which there are millions. */
static void write_chars(FILE *file, const char *s, size_t n)
{
    size_t done = 0, length;
    for (size_t i = 0; i < n; i += length) {
        uint32_t code = 'a';
        length = pf_utf8_decode(s + i, n - i, &code);
        length = length > 0 ? length : 1;
        const char *escape = short_escape(code);
        if (!escape && !must_be_escaped(code))
            continue;
        fwrite(s + done, 1, i - done, file);
        if (escape)
            fputs(escape, file);
        else
            write_escape(file, code);
        done = i + length;
    }
    fwrite(s + done, 1, n - done, file);
}

static void write_text(FILE *file, const char *s)
{
    const size_t n = strlen(s);
    const bool is_valid = pf_utf8_is_valid(s, n);
    char *clean = is_valid ? NULL : pf_utf8_repair(s, NULL);
    if (!clean && !is_valid) {
        fputs("null", file); /* no memory */
        return;
    }
    fputc('"', file);
    write_chars(file, clean ? clean : s, clean ? strlen(clean) : n);
    fputc('"', file);
    pf_free(clean);
}

/* The comma before, the key, and for the outermost value the newline behind it. */
static void open_value(pf_json_writer *w, const char *key)
{
    if (!w->is_first)
        fputc(',', w->file);
    w->is_first = false;
    if (key) {
        write_text(w->file, key);
        fputc(':', w->file);
    }
}

static void close_value(pf_json_writer *w)
{
    if (w->depth == 0) {
        fputc('\n', w->file);
        w->is_first = true;
    }
}

static void begin(pf_json_writer *w, const char *key, char bracket)
{
    open_value(w, key);
    fputc(bracket, w->file);
    w->depth++;
    w->is_first = true;
}

static void end(pf_json_writer *w, char bracket)
{
    fputc(bracket, w->file);
    w->depth--;
    w->is_first = false;
    close_value(w);
}

void pf_json_begin_object(pf_json_writer *w, const char *key)
{
    begin(w, key, '{');
}

void pf_json_end_object(pf_json_writer *w)
{
    end(w, '}');
}

void pf_json_begin_array(pf_json_writer *w, const char *key)
{
    begin(w, key, '[');
}

void pf_json_end_array(pf_json_writer *w)
{
    end(w, ']');
}

void pf_json_write_string(pf_json_writer *w, const char *key, const char *s)
{
    open_value(w, key);
    if (s)
        write_text(w->file, s);
    else
        fputs("null", w->file);
    close_value(w);
}

void pf_json_write_path(pf_json_writer *w, const char *key, const char *path)
{
    enum { KEY_ROOM = 64 };
    char bytes_key[KEY_ROOM];
    pf_json_write_string(w, key, path);
    if (!path || pf_utf8_is_valid(path, strlen(path)))
        return;
    snprintf(bytes_key, sizeof bytes_key, "%s_bytes", key);
    open_value(w, bytes_key);
    fputc('"', w->file);
    pf_base64_write(w->file, (const uint8_t *)path, strlen(path));
    fputc('"', w->file);
    close_value(w);
}

void pf_json_write_int(pf_json_writer *w, const char *key, int64_t v)
{
    open_value(w, key);
    fprintf(w->file, "%lld", (long long)v);
    close_value(w);
}

void pf_json_write_real(pf_json_writer *w, const char *key, double v, int digits)
{
    open_value(w, key);
    const pf_c_locale locale = pf_c_locale_begin();
    if (isfinite(v))
        fprintf(w->file, "%.*g", digits, v);
    else
        fputs("null", w->file);
    pf_c_locale_end(locale);
    close_value(w);
}

void pf_json_write_bool(pf_json_writer *w, const char *key, bool v)
{
    open_value(w, key);
    fputs(v ? "true" : "false", w->file);
    close_value(w);
}

void pf_json_write_json(pf_json_writer *w, const char *key, const char *json)
{
    open_value(w, key);
    fputs(json, w->file);
    close_value(w);
}
