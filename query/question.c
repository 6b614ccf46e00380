/*
 * question.c - from the command line to a request. Messages speak of options, where the
 * library's speak of what they mean.
 */
#include <string.h>

#include "cli/tools.h"
#include "query/query.h"

#define SEE "(see plainfilm-query --help)"

enum {
    PICTURE_MAX_BYTES = 256 << 20,
    PHRASES_MAX_BYTES = 256 << 20,
    KEY_MAX_BYTES = 4096,
};

typedef struct {
    pf_request *request;
    bool has_stdin;         /* it is read, or will be */
    bool are_by_themselves; /* pictures that are classified */
} maker;

/* ---- what is asked with ---- */

static bool take_stdin(maker *m, pf_err *err)
{
    if (m->has_stdin)
        return pf_cli_fail(err, PF_ERR_MISUSE, "stdin can be read only once");
    m->has_stdin = true;
    return true;
}

static bool add_stdin(maker *m, double weight, pf_err *err)
{
    char *bytes;
    size_t n;
    if (!take_stdin(m, err) ||
        !pf_cli_read(stdin, "stdin", PICTURE_MAX_BYTES, &bytes, &n, err))
        return false;
    const bool ok =
        pf_request_add_picture(m->request, (const uint8_t *)bytes, n, "-", weight, err);
    pf_free(bytes);
    return ok;
}

static bool add_image(maker *m, const char *path, double weight, pf_err *err)
{
    if (m->are_by_themselves && weight != 1)
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--classify looks at each picture by itself, a weight makes "
                           "no difference (1: in front takes the rest as it is)");
    if (strcmp(path, "-") == 0)
        return add_stdin(m, weight, err);
    if (!m->are_by_themselves && pf_cli_is_folder(path))
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--image '%.200s' is a folder, these are for --classify of "
                           "--image alone " SEE,
                           path);
    return pf_request_add_picture_file(m->request, path, weight, err);
}

static bool add_item(maker *m, int tag, const char *text, pf_err *err)
{
    double weight;
    if (tag == TAG_FILTER)
        return pf_request_add_filter(m->request, text, err);
    if (tag == TAG_IN)
        return pf_request_add_in(m->request, text, err);
    const bool is_of_file = tag == TAG_IMAGE || tag == TAG_LIKE;
    if (!(is_of_file ? pf_read_weight : pf_read_phrase_weight)(&text, &weight, err))
        return false;
    if (command.embed && weight != 1)
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--embed prints a vector of length 1, a weight makes no "
                           "difference (1: in front takes the rest as it is)");
    switch (tag) {
    case TAG_IMAGE:
        return add_image(m, text, weight, err);
    case TAG_LIKE:
        return pf_request_add_like(m->request, text, weight, err);
    case TAG_WITHOUT:
        return pf_request_add_phrase(m->request, text, -weight, err);
    default:
        return pf_request_add_phrase(m->request, text, weight, err);
    }
}

/* The plain arguments are the words of one phrase. Given, free with pf_free(). */
static char *join_words(const pf_cli_args *args, pf_err *err)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool is_first = true;
    for (size_t i = 0; out && i < args->n_items; i++) {
        if (args->items[i].tag != TAG_PHRASE)
            continue;
        fprintf(out, "%s%s", is_first ? "" : " ", args->items[i].value);
        is_first = false;
    }
    if (out && fclose(out) == 0)
        return text;
    pf_free(text);
    pf_cli_fail(err, PF_ERR_NOMEM, "out of memory (the phrase)");
    return NULL;
}

/* The phrase comes first, whatever stands before or between its words. */
static bool add_phrase(maker *m, const pf_cli_args *args, pf_err *err)
{
    if (args->n_plain == 0 || command.values)
        return true;
    char *text = join_words(args, err);
    const bool ok = text && add_item(m, TAG_PHRASE, text, err);
    pf_free(text);
    return ok;
}

static bool add_items(maker *m, const pf_cli_args *args, pf_err *err)
{
    for (size_t i = 0; i < args->n_items; i++) {
        const pf_cli_item *item = &args->items[i];
        if (item->tag != TAG_PHRASE && !add_item(m, item->tag, item->value, err))
            return false;
    }
    return true;
}

/* ---- how it is answered ---- */

/* Of --batch each line may say otherwise. */
static bool set_by(maker *m, pf_err *err)
{
    static const char *const names[] = {"meaning", "words", "both"};
    static const pf_by values[] = {PF_BY_MEANING, PF_BY_WORDS, PF_BY_BOTH};
    size_t i = 0;
    if (!command.by)
        return true;
    while (i < 3 && strcmp(names[i], command.by) != 0)
        i++;
    if (i == 3)
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--by '%.80s' is none of: meaning, words, both " SEE,
                           command.by);
    pf_request_set_by(m->request, values[i]);
    if (values[i] != PF_BY_WORDS || command.batch)
        return true;
    if (command.min_score > -1)
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--min-score is a cosine, --by words has none " SEE);
    return command.min_percentile <= 0 ||
           pf_cli_fail(
               err, PF_ERR_MISUSE,
               "--min-percentile is that of a cosine, --by words has none " SEE);
}

static bool set_collapse(maker *m, pf_err *err)
{
    if (command.collapse >= 0 && command.find == PF_FIND_CASES && !command.batch)
        return pf_cli_fail(err, PF_ERR_MISUSE,
                           "--collapse is for images and captions, not for cases " SEE);
    return pf_request_set_collapse(m->request, command.collapse, err);
}

static bool set_limit(maker *m, pf_err *err)
{
    return !(command.has_limit || command.offset > 0) ||
           pf_request_set_limit(m->request, (size_t)command.limit,
                                (size_t)command.offset, err);
}

static bool set_order(maker *m, pf_err *err)
{
    pf_request_set_sort(m->request, (pf_sort)(command.sort + 1));
    return command.seed < 0 ||
           pf_request_set_seed(m->request, (uint64_t)command.seed, err);
}

/* Keys with commas between them; one that has a comma itself takes JSON. */
static bool add_facets(maker *m, pf_err *err)
{
    char key[KEY_MAX_BYTES];
    for (const char *at = command.facets; at; at = strchr(at, ',')) {
        at += at != command.facets;
        const size_t n = strcspn(at, ",");
        if (n == 0 || n >= sizeof key)
            return pf_cli_fail(err, PF_ERR_MISUSE, "--facets '%.80s' has %s key " SEE,
                               command.facets, n == 0 ? "an empty" : "too long a");
        snprintf(key, sizeof key, "%.*s", (int)n, at);
        if (!pf_request_add_facet(m->request, key, err))
            return false;
    }
    return true;
}

/* ---- what is done ---- */

static bool read_phrases(maker *m, pf_err *err)
{
    const bool is_stdin = strcmp(command.phrases, "-") == 0;
    const char *name = is_stdin ? "stdin" : command.phrases;
    char *text;
    size_t n;
    if (!(is_stdin ? pf_cli_read(stdin, name, PHRASES_MAX_BYTES, &text, &n, err)
                   : pf_cli_read_file(name, PHRASES_MAX_BYTES, &text, &n, err)))
        return false;
    const bool ok = pf_request_rank_phrases(m->request, text, n, name, err);
    pf_free(text);
    return ok;
}

static bool count_values(maker *m, const pf_cli_args *args, pf_err *err)
{
    char *key = args->n_plain > 0 ? join_words(args, err) : NULL;
    const bool ok =
        (args->n_plain == 0 || key) && pf_request_count_values(m->request, key, err);
    pf_free(key);
    return ok;
}

static bool set_job(maker *m, const pf_cli_args *args, pf_err *err)
{
    if (command.values)
        return count_values(m, args, err);
    if (command.embed)
        pf_request_embed(m->request);
    if (command.classify)
        return pf_request_classify(m->request, command.classify, command.label_template,
                                   err);
    if (command.phrases)
        return read_phrases(m, err);
    if (command.duplicates >= 0)
        return pf_request_find_duplicates(m->request, command.duplicates, err);
    return !command.evaluate || pf_request_evaluate(m->request, command.queries, err);
}

bool question_make(pf_request **out, const pf_cli_args *args, pf_err *err)
{
    if (!pf_request_new(out, err))
        return false;
    maker m = {.request = *out,
               .has_stdin =
                   command.batch || (command.phrases && !strcmp(command.phrases, "-")),
               .are_by_themselves = command.classify && asks_for_pictures_only(args)};
    pf_request_set_find(m.request, (pf_find)command.find);
    pf_request_hide_paths(m.request, command.hide_paths);
    if (set_by(&m, err) && set_collapse(&m, err) && set_limit(&m, err) &&
        set_order(&m, err) && add_facets(&m, err) &&
        pf_request_set_min_score(m.request, command.min_score, err) &&
        pf_request_set_min_percentile(m.request, command.min_percentile, err) &&
        add_phrase(&m, args, err) && add_items(&m, args, err) && set_job(&m, args, err))
        return true;
    pf_request_free(*out);
    *out = NULL;
    return false;
}
