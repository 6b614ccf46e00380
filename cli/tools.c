/* tools.c - see tools.h. */
#include "cli/tools.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"

bool pf_cli_fail(pf_err *err, pf_code code, const char *fmt, ...)
{
    char text[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return pf_fail(err, code, "%s", text);
}

bool pf_cli_fail_errno(pf_err *err, int errnum, const char *fmt, ...)
{
    char text[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return pf_fail_errno(err, errnum, "%s", text);
}

bool pf_cli_is_folder(const char *path)
{
    return pf_path_is_folder(path);
}

enum { CHUNK = 1 << 16 };

/* At most `n` bytes behind those that are there. */
static bool read_up_to(FILE *in, const char *name, size_t n, pf_buf *b, pf_err *err)
{
    for (size_t want, got; n > 0; n -= got) {
        want = n < CHUNK ? n : CHUNK;
        if (!pf_buf_reserve(b, want, err))
            return pf_fail_in(err, "%s", name);
        got = fread(b->data + b->size, 1, want, in);
        b->size += got;
        if (got < want)
            break;
    }
    return !ferror(in) || pf_fail_errno(err, errno, "cannot read %s", name);
}

static bool take_text(pf_buf *b, char **out, size_t *n, pf_err *err)
{
    *n = b->size;
    *out = pf_buf_add(b, "", 0, err) ? pf_buf_take(b, err) : NULL;
    return *out != NULL;
}

bool pf_cli_read(FILE *in, const char *name, size_t max, char **out, size_t *n,
                 pf_err *err)
{
    pf_buf b;
    *out = NULL;
    pf_buf_init(&b, max);
    const bool ok =
        read_up_to(in, name, SIZE_MAX, &b, err) && take_text(&b, out, n, err);
    pf_buf_free(&b);
    return ok;
}

bool pf_cli_read_bytes(FILE *in, const char *name, size_t n, char **out, size_t *got,
                       pf_err *err)
{
    pf_buf b;
    *out = NULL;
    pf_buf_init(&b, n + 1);
    const bool ok = read_up_to(in, name, n, &b, err) && take_text(&b, out, got, err);
    pf_buf_free(&b);
    return ok;
}

void pf_cli_skip_bytes(FILE *in, size_t n)
{
    char chunk[4096];
    while (n > 0) {
        const size_t want = n < sizeof chunk ? n : sizeof chunk;
        if (fread(chunk, 1, want, in) < want)
            return;
        n -= want;
    }
}

bool pf_cli_read_file(const char *path, size_t max, char **out, size_t *n, pf_err *err)
{
    *out = NULL;
    if (pf_path_is_folder(path))
        return pf_fail(err, PF_ERR_IO, "'%s' is a folder", path);
    FILE *in = fopen(path, "rbe");
    if (!in)
        return pf_fail_errno(err, errno, "cannot open '%s'", path);
    const bool ok = pf_cli_read(in, path, max, out, n, err);
    fclose(in);
    return ok;
}

static bool add_byte(pf_cli_line *line, char byte, size_t max, pf_err *err)
{
    if (line->size == max)
        return pf_fail(err, PF_ERR_LIMIT, "the line: more than %zu bytes", max);
    if (!pf_grow_array(&line->text, &line->room, line->size + 1, 1, err))
        return false;
    line->text[line->size++] = byte;
    return true;
}

bool pf_cli_read_line(FILE *in, pf_cli_line *line, size_t max, bool *is_there,
                      pf_err *err)
{
    int c;
    *is_there = false;
    line->size = 0;
    bool ok = pf_grow_array(&line->text, &line->room, 0, 1, err);
    while ((c = getc(in)) != EOF && c != '\n') {
        *is_there = true;
        ok = ok && add_byte(line, (char)c, max, err);
    }
    *is_there = *is_there || c == '\n';
    if (ok && line->size > 0 && line->text[line->size - 1] == '\r')
        line->size--;
    if (ok)
        line->text[line->size] = '\0';
    return ok;
}

void pf_cli_line_free(pf_cli_line *line)
{
    pf_free(line->text);
    *line = (pf_cli_line){0};
}

bool pf_cli_flush(FILE *out, pf_err *err)
{
    if (fflush(out) != 0)
        return pf_fail_errno(err, errno, "cannot write the answer");
    return !ferror(out) || pf_fail(err, PF_ERR_IO, "cannot write the answer");
}
