/*
 * run_batch.c - the job of --batch: one question per line in, one JSON object per line
 * out, in their order.
 *
 * A line is a phrase, or a JSON object with the names of options as keys; what it does
 * not say the command line says, and the filters of both must hold. A line that cannot
 * be answered becomes {"error": ...} and does not stop the others. Each answer is
 * flushed, so that a program can ask one question after another through pipes.
 */
#include <errno.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "query/open.h"
#include "query/print.h"
#include "query/query.h"
#include "query/say.h"

/* What all lines share. */
typedef struct {
    FILE *in, *out;
    pf_search *search;        /* opened for everything that may be asked */
    pf_notes *notes;          /* may be NULL */
    const asked *how;         /* defaults */
    const pf_cli_item *items; /* filters that every question has */
    size_t n_items;
} batch;

enum { LINE_MAX_BYTES = 1 << 20, ITEMS_MAX = 2000, DIGITS_MAX = 24 };

/* One question being read; strings are borrowed from the line or its JSON. */
typedef struct {
    asked how;
    pf_cli_item *items;         /* [ITEMS_MAX] */
    char (*digits)[DIGITS_MAX]; /* [ITEMS_MAX] of those that came as numbers */
    size_t n_items;
    pf_json *json;
} request;

/* ---- lines ---- */

/* The next line without its end. A longer one than fits is read over. */
static bool read_line(FILE *in, pf_buf *line, bool *is_there, pf_err *err)
{
    bool ok = true;
    int c;
    *is_there = false;
    line->size = 0;
    while ((c = getc(in)) != EOF && c != '\n') {
        const char byte = (char)c;
        *is_there = true;
        ok = ok && pf_buf_add(line, &byte, 1, err);
    }
    *is_there = *is_there || c == '\n';
    if (ok && line->size > 0 && line->data[line->size - 1] == '\r')
        line->size--;
    /* What was cut off leaves the end to be marked again. */
    return (ok && pf_buf_add(line, "", 0, err)) || pf_fail_in(err, "the line");
}

/* ---- from a line to a question ---- */

static bool add_item(request *r, int tag, const char *value, pf_err *err)
{
    if (r->n_items == ITEMS_MAX)
        return pf_fail(err, PF_ERR_LIMIT, "a question of more than %d parts",
                       ITEMS_MAX);
    if (value[0] == '\0')
        return pf_fail(err, PF_ERR_MISUSE, "an empty text in the question");
    r->items[r->n_items++] = (pf_cli_item){tag, value};
    return true;
}

/* A string; an image may be named by its number as answers have it. */
static const char *text_of(request *r, int tag, const pf_json *value)
{
    int64_t id;
    if (tag != TAG_LIKE || r->n_items == ITEMS_MAX || !pf_json_to_int(value, &id))
        return pf_json_string(value, NULL);
    snprintf(r->digits[r->n_items], DIGITS_MAX, "%lld", (long long)id);
    return r->digits[r->n_items];
}

/* A string, or an array of them. */
static bool add_items(request *r, int tag, const pf_json_member *m, pf_err *err)
{
    const char *text = text_of(r, tag, m->value);
    if (text)
        return add_item(r, tag, text, err);
    if (pf_json_get_kind(m->value) != PF_JSON_ARRAY)
        return pf_fail(err, PF_ERR_MISUSE,
                       "'%s' is neither a string nor an array of strings", m->key);
    for (size_t i = 0; i < pf_json_size(m->value); i++) {
        text = text_of(r, tag, pf_json_at(m->value, i));
        if (!text)
            return pf_fail(err, PF_ERR_MISUSE, "'%s' has an element that is no string",
                           m->key);
        if (!add_item(r, tag, text, err))
            return false;
    }
    return true;
}

static bool read_find(request *r, const pf_json *value, pf_err *err)
{
    const char *text = pf_json_string(value, NULL);
    for (int i = 0; text && find_names[i]; i++) {
        if (strcmp(find_names[i], text) == 0) {
            r->how.find = i;
            return true;
        }
    }
    return pf_fail(err, PF_ERR_MISUSE, "'find' is none of: images, captions, cases");
}

static bool read_limit(request *r, const pf_json *value, pf_err *err)
{
    return (pf_json_to_int(value, &r->how.limit) && r->how.limit >= 1 &&
            r->how.limit <= LIMIT_MAX) ||
           pf_fail(err, PF_ERR_MISUSE, "'limit' is no whole number from 1 to %d",
                   LIMIT_MAX);
}

static bool read_min_score(request *r, const pf_json *value, pf_err *err)
{
    return (pf_json_to_real(value, &r->how.min_score) && r->how.min_score >= -1 &&
            r->how.min_score <= 1) ||
           pf_fail(err, PF_ERR_MISUSE, "'min-score' is no number from -1 to 1");
}

static bool read_min_percentile(request *r, const pf_json *value, pf_err *err)
{
    double *x = &r->how.min_percentile;
    return (pf_json_to_real(value, x) && *x >= 0 && *x <= 100) ||
           pf_fail(err, PF_ERR_MISUSE, "'min-percentile' is no number from 0 to 100");
}

/* true is the default threshold. */
static bool read_collapse(request *r, const pf_json *value, pf_err *err)
{
    bool is_wanted = false;
    if (pf_json_to_bool(value, &is_wanted)) {
        r->how.collapse = is_wanted ? PF_DUPLICATES_THRESHOLD : -1;
        return true;
    }
    return (pf_json_to_real(value, &r->how.collapse) && r->how.collapse >= 0 &&
            r->how.collapse <= 1) ||
           pf_fail(err, PF_ERR_MISUSE,
                   "'collapse' is neither true or false nor a number from 0 to 1");
}

/* question.c knows which there are. */
static bool read_how(request *r, const pf_json *value, pf_err *err)
{
    const char *text = pf_json_string(value, NULL);
    if (!text)
        return pf_fail(err, PF_ERR_MISUSE, "'by' is no string");
    r->how.by = text;
    return true;
}

static bool read_member(request *r, const pf_json_member *m, pf_err *err)
{
    static const struct {
        const char *name;
        int tag;
    } lists[] = {{"phrase", TAG_PHRASE},
                 {"image", TAG_IMAGE},
                 {"like", TAG_LIKE},
                 {"without", TAG_WITHOUT},
                 {"filter", TAG_FILTER}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (strcmp(m->key, lists[i].name) == 0)
            return add_items(r, lists[i].tag, m, err);
    }
    if (strcmp(m->key, "find") == 0)
        return read_find(r, m->value, err);
    if (strcmp(m->key, "limit") == 0)
        return read_limit(r, m->value, err);
    if (strcmp(m->key, "min-score") == 0)
        return read_min_score(r, m->value, err);
    if (strcmp(m->key, "min-percentile") == 0)
        return read_min_percentile(r, m->value, err);
    if (strcmp(m->key, "collapse") == 0)
        return read_collapse(r, m->value, err);
    if (strcmp(m->key, "by") == 0)
        return read_how(r, m->value, err);
    return pf_fail(err, PF_ERR_MISUSE,
                   "'%.80s' is none of: phrase, image, like, without, filter, find, "
                   "limit, min-score, min-percentile, collapse, by",
                   m->key);
}

static bool read_request(request *r, const pf_buf *line, pf_err *err)
{
    if (line->size == 0)
        return pf_fail(err, PF_ERR_MISUSE, "the line is empty");
    if (line->data[strspn(line->data, " \t")] == '{') {
        pf_json_member m = {0};
        bool ok = pf_json_parse(&r->json, line->data, line->size, err);
        while (ok && pf_json_next_member(r->json, &m))
            ok = read_member(r, &m, err);
        return ok;
    }
    if (memchr(line->data, '\0', line->size))
        return pf_fail(err, PF_ERR_MISUSE, "the phrase has a zero byte");
    return add_item(r, TAG_PHRASE, line->data, err);
}

/* ---- answers ---- */

static bool answer_line(const batch *b, request *r, const pf_buf *line, pf_err *err)
{
    question a = {.has_stdin = true}; /* it is ours */
    pf_answer answer = {0};
    const bool ok = read_request(r, line, err) &&
                    question_make(&a, &r->how, r->items, r->n_items, err) &&
                    pf_search_run(b->search, &a.query, &answer, b->notes, err);
    if (ok)
        print_json(b->out, &a.query, &answer);
    pf_answer_reset(&answer);
    question_reset(&a);
    return ok;
}

static void print_error(FILE *out, const char *message)
{
    pf_json_writer w;
    pf_json_writer_init(&w, out);
    pf_json_begin_object(&w, NULL);
    pf_json_write_string(&w, "error", message);
    pf_json_end_object(&w);
}

/* The question starts from what the command line says. */
static void start_request(request *r, const batch *b)
{
    r->how = *b->how;
    r->n_items = 0;
    r->json = NULL;
    for (size_t i = 0; i < b->n_items && i < ITEMS_MAX; i++)
        r->items[r->n_items++] = b->items[i];
}

/* Does what the command line says for every line make sense? */
static bool check_defaults(const asked *how, const pf_cli_item *items, size_t n,
                           pf_err *err)
{
    question q = {.has_stdin = true};
    asked defaults = *how; /* without those that a line may make sense of */
    defaults.collapse = defaults.min_score = -1;
    defaults.min_percentile = 0;
    const bool ok = question_make(&q, &defaults, items, n, err);
    question_reset(&q);
    return ok;
}

/* False also when some lines were answered by an error only. */
static bool answer_lines(const batch *b, pf_err *err)
{
    pf_buf line;
    pf_buf_init(&line, LINE_MAX_BYTES);
    request r = {.items = pf_alloc_array(ITEMS_MAX, sizeof *r.items, err),
                 .digits = pf_alloc_array(ITEMS_MAX, sizeof *r.digits, err)};
    const bool has_room = r.items && r.digits;
    size_t n = 0, n_failed = 0;
    int write_error = 0;
    bool is_there = has_room;
    while (is_there && write_error == 0) {
        pf_err why = PF_ERR_INIT;
        bool ok = read_line(b->in, &line, &is_there, &why);
        if (!is_there)
            break;
        start_request(&r, b);
        ok = ok && answer_line(b, &r, &line, &why);
        pf_json_free(r.json);
        if (!ok)
            print_error(b->out, why.msg);
        if (fflush(b->out) != 0)
            write_error = errno;
        n++;
        n_failed += !ok;
    }
    pf_free(r.items);
    pf_free(r.digits);
    pf_buf_free(&line);
    if (!has_room)
        return false;
    if (write_error != 0)
        return pf_fail_errno(err, write_error, "cannot write the answer");
    if (ferror(b->in))
        return pf_fail_errno(err, errno, "cannot read stdin");
    return n_failed == 0 ||
           pf_fail(err, PF_ERR_IO, "%zu of %zu questions failed", n_failed, n);
}

/* What the makers of the model want told comes last: the model is opened on the way. */
bool run_batch(const pf_cli_args *args, pf_exit *status, pf_err *err)
{
    (void)status;
    pf_search *search = NULL;
    pf_notes notes = {0};
    bool ok =
        check_defaults(&command, args->items, args->n_items, err) &&
        open_search(&search, PF_FIND_IMAGES | PF_FIND_CAPTIONS | PF_FIND_CASES, err);
    const batch b = {
        .in = stdin,
        .out = stdout,
        .search = search,
        .notes = &notes,
        .how = &command,
        .items = args->items,
        .n_items = args->n_items,
    };
    ok = ok && answer_lines(&b, err);
    say_notes(&notes, command.verbose);
    say_notice(search ? pf_search_notice(search) : NULL);
    pf_search_close(search);
    return ok;
}
