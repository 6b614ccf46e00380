/*
 * question.c - from arguments to a question: parts with their weights, and filters.
 */
#include <errno.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "query/query.h"

enum { PHRASE_MAX_BYTES = 1 << 20 };

const char *const find_names[] = {"images", "captions", "cases", NULL};
static const pf_find find_values[] = {PF_FIND_IMAGES, PF_FIND_CAPTIONS, PF_FIND_CASES};

void question_reset(question *a)
{
    for (size_t i = 0; i < a->query.n_filters; i++)
        pf_filter_reset(&a->filters[i]);
    pf_free(a->filters);
    pf_free(a->parts);
    pf_free(a->phrase);
    pf_buf_free(&a->stdin_);
    *a = (question){0};
}

static bool join_words(const pf_cli_item *items, size_t n, char **out, pf_err *err)
{
    pf_buf b;
    pf_buf_init(&b, PHRASE_MAX_BYTES);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        if (items[i].tag == TAG_PHRASE)
            ok = (b.size == 0 || pf_buf_add_str(&b, " ", err)) &&
                 pf_buf_add_str(&b, items[i].value, err);
    }
    *out = ok ? pf_buf_take(&b, err) : NULL;
    pf_buf_free(&b);
    return *out || pf_fail_in(err, "the phrase");
}

bool read_stream(FILE *in, const char *name, pf_buf *b, pf_err *err)
{
    enum { CHUNK = 1 << 16 };
    for (size_t n = CHUNK; n == CHUNK; b->size += n) {
        if (!pf_buf_reserve(b, CHUNK, err))
            return pf_fail_in(err, "%s", name);
        n = fread(b->data + b->size, 1, CHUNK, in);
    }
    return !ferror(in) || pf_fail_errno(err, errno, "cannot read %s", name);
}

static bool read_stdin(pf_buf *b, pf_err *err)
{
    pf_picture_limits limits;
    pf_picture_limits_init(&limits);
    pf_buf_init(b, limits.max_file_bytes);
    return read_stream(stdin, "stdin", b, err);
}

static bool read_image(question *a, pf_part *part, pf_err *err)
{
    part->kind = PF_PART_FILE;
    if (strcmp(part->text, "-") != 0)
        return !pf_path_is_folder(part->text) ||
               pf_fail(
                   err, PF_ERR_MISUSE,
                   "--image '%.200s' is a folder, these are for --classify of --image "
                   "alone (see plainfilm-query --help)",
                   part->text);
    if (a->has_stdin)
        return pf_fail(err, PF_ERR_MISUSE, "stdin can be read only once");
    a->has_stdin = true;
    if (!read_stdin(&a->stdin_, err))
        return false;
    part->kind = PF_PART_PICTURE;
    part->bytes = (const uint8_t *)a->stdin_.data;
    part->n_bytes = a->stdin_.size;
    return true;
}

static bool read_part(question *a, int tag, const char *text, pf_err *err)
{
    pf_part *part = &a->parts[a->query.n_parts];
    *part = (pf_part){.kind = PF_PART_PHRASE, .text = text};
    if (!pf_part_read_weight(&part->text, &part->weight, err))
        return false;
    a->query.n_parts++;
    if (tag == TAG_WITHOUT)
        part->weight = -part->weight;
    if (tag == TAG_LIKE)
        part->kind = PF_PART_LIKE;
    return tag != TAG_IMAGE || read_image(a, part, err);
}

static bool has_words(const pf_cli_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (items[i].tag == TAG_PHRASE)
            return true;
    }
    return false;
}

/* The phrase comes first, whatever stands before or between its words. */
static bool read_parts(question *a, const pf_cli_item *items, size_t n, pf_err *err)
{
    a->parts = pf_alloc_array(n + 1, sizeof *a->parts, err);
    a->query.parts = a->parts;
    if (!a->parts)
        return false;
    if (has_words(items, n) && (!join_words(items, n, &a->phrase, err) ||
                                !read_part(a, TAG_PHRASE, a->phrase, err)))
        return false;
    for (size_t i = 0; i < n; i++) {
        const int tag = items[i].tag;
        if (tag != TAG_PHRASE && tag != TAG_FILTER &&
            !read_part(a, tag, items[i].value, err))
            return false;
    }
    return true;
}

static bool read_filters(question *a, const pf_cli_item *items, size_t n, pf_err *err)
{
    a->filters = pf_alloc_array(n, sizeof *a->filters, err);
    if (!a->filters)
        return false;
    a->query.filters = a->filters;
    for (size_t i = 0; i < n; i++) {
        if (items[i].tag != TAG_FILTER)
            continue;
        if (!pf_filter_parse(&a->filters[a->query.n_filters], items[i].value, err))
            return false;
        a->query.n_filters++;
    }
    return true;
}

static bool read_by(pf_by *out, const asked *how, pf_err *err)
{
    static const char *const names[] = {"meaning", "words", "both"};
    static const pf_by values[] = {PF_BY_MEANING, PF_BY_WORDS, PF_BY_BOTH};
    const char *see = "(see plainfilm-query --help)";
    if (!how->by)
        return true;
    size_t i = 0;
    while (i < 3 && strcmp(names[i], how->by) != 0)
        i++;
    if (i == 3)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--by '%.80s' is none of: meaning, words, both %s", how->by,
                       see);
    *out = values[i];
    if (*out != PF_BY_WORDS)
        return true;
    if (how->min_score > -1)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--min-score is a cosine, --by words has none %s", see);
    return how->min_percentile <= 0 ||
           pf_fail(err, PF_ERR_MISUSE,
                   "--min-percentile is that of a cosine, --by words has none %s", see);
}

bool question_make(question *a, const asked *how, const pf_cli_item *items, size_t n,
                   pf_err *err)
{
    pf_query_init(&a->query);
    a->query.find = find_values[how->find];
    a->query.limit = (size_t)how->limit;
    a->query.min_score = how->min_score;
    a->query.min_percentile = how->min_percentile;
    a->query.collapses = how->collapse >= 0;
    a->query.collapse = how->collapse;
    if (how->collapse >= 0 && a->query.find == PF_FIND_CASES)
        return pf_fail(err, PF_ERR_MISUSE,
                       "--collapse is for images and captions, not for cases (see "
                       "plainfilm-query --help)");
    return read_by(&a->query.by, how, err) && read_parts(a, items, n, err) &&
           read_filters(a, items, n, err);
}
