/*
 * run_batch.c - the job of --batch: one question per line in, one JSON object per line
 * out, in their order.
 *
 * A line is a phrase, or a JSON object (pf_request_read_json()); what it does not say
 * the command line says, and the filters of both must hold. A line that cannot be
 * answered becomes {"error": ...} and does not stop the others. Each answer is flushed,
 * so that a program can ask one question after another through pipes; what is indexed
 * meanwhile is seen by the next line. The one thing on stdin that is no line is a
 * picture behind the line that says so.
 */
#include <errno.h>
#include <string.h>

#include "cli/tools.h"
#include "query/open.h"
#include "query/query.h"
#include "query/say.h"

enum { LINE_MAX_BYTES = 1 << 20, PICTURE_LINE_MAX_BYTES = 384 << 20 };
enum { PICTURE_MAX_BYTES = 256 << 20 };

/* What all lines share. */
typedef struct {
    pf_reader *reader;
    const pf_request *defaults; /* what the command line says */
    pf_cli_line line;
    size_t n, n_failed;
} batch;

static bool add_phrase(pf_request *r, const char *text, pf_err *err)
{
    double weight;
    return pf_read_phrase_weight(&text, &weight, err) &&
           pf_request_add_phrase(r, text, weight, err);
}

/* What follows the line is the picture that it names as "-": so many bytes as it says,
 * else all there is. */
static bool read_picture(pf_request *r, size_t n, pf_err *err)
{
    char *bytes = NULL;
    size_t got = 0;
    bool ok = n > 0 ? pf_cli_read_bytes(stdin, "stdin", n, &bytes, &got, err)
                    : pf_cli_read(stdin, "stdin", PICTURE_MAX_BYTES, &bytes, &got, err);
    if (ok && got < n)
        ok = pf_cli_fail(err, PF_ERR_FORMAT,
                         "stdin ends after %zu of the picture's %zu bytes", got, n);
    ok = ok && pf_request_give_picture(r, (const uint8_t *)bytes, got, err);
    pf_free(bytes);
    return ok;
}

/* Whatever the object says: where its picture ends the next line begins. */
static bool read_object(pf_request *r, const pf_cli_line *line, pf_err *err)
{
    size_t n;
    const bool ok = pf_request_read_json(r, line->text, line->size, true, err);
    if (!pf_request_wants_picture(r, &n))
        return ok;
    if (ok)
        return read_picture(r, n, err);
    pf_cli_skip_bytes(stdin, n);
    return false;
}

/* A phrase is short; a line with a picture in it is not. */
static bool read_request(pf_request *r, const pf_cli_line *line, pf_err *err)
{
    if (line->size == 0)
        return pf_cli_fail(err, PF_ERR_MISUSE, "the line is empty");
    if (line->text[strspn(line->text, " \t")] == '{')
        return read_object(r, line, err);
    if (line->size > LINE_MAX_BYTES)
        return pf_cli_fail(err, PF_ERR_LIMIT, "the line: more than %d bytes",
                           LINE_MAX_BYTES);
    if (memchr(line->text, '\0', line->size))
        return pf_cli_fail(err, PF_ERR_MISUSE, "the phrase has a zero byte");
    return add_phrase(r, line->text, err);
}

static bool answer_request(batch *b, const pf_request *r, pf_err *err)
{
    pf_answer *answer = NULL;
    char *json = NULL;
    const bool ok = pf_reader_refresh(b->reader, err) &&
                    pf_reader_ask(b->reader, r, NULL, &answer, err) &&
                    pf_answer_get_json(answer, &json, NULL, err);
    if (ok) {
        fputs(json, stdout);
        fputc('\n', stdout);
    }
    pf_free(json);
    pf_answer_free(answer);
    return ok;
}

static void print_failure(const pf_err *why, const pf_request *r)
{
    char *json = pf_error_json(why, r);
    fputs(json ? json : "{\"error\":{\"code\":\"no_memory\",\"message\":\"\"}}",
          stdout);
    fputc('\n', stdout);
    pf_free(json);
}

/* What some editors put in front of a file is no part of its first line. */
static void drop_byte_order_mark(pf_cli_line *line)
{
    static const char mark[] = "\xEF\xBB\xBF";
    const size_t n = sizeof mark - 1;
    if (line->size < n || memcmp(line->text, mark, n) != 0)
        return;
    line->size -= n;
    memmove(line->text, line->text + n, line->size + 1);
}

/* The line `is_read` or there is a reason in *why that it could not be. */
static void answer_line(batch *b, bool is_read, pf_err *why)
{
    pf_request *r = NULL;
    if (!is_read || !pf_request_copy(&r, b->defaults, why) ||
        !read_request(r, &b->line, why) || !answer_request(b, r, why)) {
        print_failure(why, r);
        b->n_failed++;
    }
    b->n++;
    pf_request_free(r);
}

/* False also when some lines were answered by an error only. */
static bool answer_lines(batch *b, pf_err *err)
{
    for (;;) {
        pf_err why = PF_ERR_INIT;
        bool is_there;
        const bool is_read =
            pf_cli_read_line(stdin, &b->line, PICTURE_LINE_MAX_BYTES, &is_there, &why);
        if (!is_there)
            break;
        if (is_read && b->n == 0)
            drop_byte_order_mark(&b->line);
        answer_line(b, is_read, &why);
        if (!pf_cli_flush(stdout, err))
            return false;
    }
    if (ferror(stdin))
        return pf_cli_fail_errno(err, errno, "cannot read stdin");
    return b->n_failed == 0 ||
           pf_cli_fail(err, PF_ERR_IO, "%zu of %zu questions failed", b->n_failed,
                       b->n);
}

/* What the model's makers want told comes last: the model is opened on the way. */
bool run_batch(const pf_cli_args *args, pf_exit *status, pf_err *err)
{
    pf_request *defaults = NULL;
    opened o = {0};
    (void)status;
    bool ok = question_make(&defaults, args, err) && open_asked(&o, args, err);
    if (ok) {
        batch b = {.reader = o.reader, .defaults = defaults};
        ok = answer_lines(&b, err);
        pf_cli_line_free(&b.line);
    }
    say_notes();
    close_asked(&o);
    pf_request_free(defaults);
    return ok;
}
