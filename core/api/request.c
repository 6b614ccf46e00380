/* request.c - see request.h, and plainfilm.h for the functions. */
#include "core/api/request.h"

#include <math.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/search/facets.h"
#include "core/words/fields.h"

/* What the parts have is const for all but their owner. */
static void release(const void *p)
{
    pf_free((void *)p);
}

/* ---- new, copy, free ---- */

bool pf_request_new(pf_request **out, pf_err *err)
{
    *out = pf_zalloc(sizeof **out, err);
    if (!*out)
        return false;
    pf_query_init(&(*out)->query);
    return true;
}

void pf_request_free(pf_request *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->query.n_parts; i++) {
        release(r->parts[i].text);
        release(r->parts[i].bytes);
    }
    for (size_t i = 0; i < r->query.n_filters; i++)
        pf_filter_reset(&r->filters[i]);
    for (size_t i = 0; i < r->query.n_facets; i++)
        pf_free(r->facets[i]);
    pf_labels_reset(&r->labels);
    pf_phrases_reset(&r->phrases);
    pf_free(r->facets);
    pf_free(r->values_key);
    pf_free(r->parts);
    pf_free(r->filters);
    pf_free(r->labels_text);
    pf_free(r->pattern);
    pf_free(r->phrases_text);
    pf_free(r->phrases_name);
    pf_free(r->queries);
    pf_free(r->id);
    pf_free(r);
}

static bool copy_jobs(pf_request *to, const pf_request *from, pf_err *err)
{
    if (from->labels.n > 0 &&
        !pf_request_classify(to, from->labels_text, from->pattern, err))
        return false;
    if (from->phrases.n > 0 &&
        !pf_request_rank_phrases(to, from->phrases_text, from->phrases_size,
                                 from->phrases_name, err))
        return false;
    to->duplicates = from->duplicates;
    to->queries = from->queries ? pf_strdup(from->queries, err) : NULL;
    to->values_key = from->values_key ? pf_strdup(from->values_key, err) : NULL;
    to->id = from->id ? pf_strdup(from->id, err) : NULL;
    to->job = from->job;
    return (!from->queries || to->queries) && (!from->id || to->id) &&
           (!from->values_key || to->values_key);
}

/* How it is answered, without what it is asked with. */
static void copy_settings(pf_request *to, const pf_request *from)
{
    to->query.find = from->query.find;
    to->query.by = from->query.by;
    to->query.in = from->query.in;
    to->query.limit = from->query.limit;
    to->query.offset = from->query.offset;
    to->query.min_score = from->query.min_score;
    to->query.min_percentile = from->query.min_percentile;
    to->query.collapses = from->query.collapses;
    to->query.collapse = from->query.collapse;
    to->query.sort = from->query.sort;
    to->query.seed = from->query.seed;
    to->has_seed = from->has_seed;
    to->has_limit = from->has_limit;
    to->wants_picture = from->wants_picture;
    to->wanted = from->wanted;
    to->picture_bytes = from->picture_bytes;
    to->query.hides_paths = from->query.hides_paths;
}

static bool add_part(pf_request *r, const pf_part *part, pf_err *err);

bool pf_request_copy(pf_request **out, const pf_request *from, pf_err *err)
{
    if (!pf_request_new(out, err))
        return false;
    pf_request *to = *out;
    bool ok = copy_jobs(to, from, err);
    copy_settings(to, from); /* a job may have changed some */
    for (size_t i = 0; ok && i < from->query.n_parts; i++)
        ok = add_part(to, &from->parts[i], err);
    for (size_t i = 0; ok && i < from->query.n_filters; i++)
        ok = pf_request_add_filter(to, from->filters[i].text, err);
    for (size_t i = 0; ok && i < from->query.n_facets; i++)
        ok = pf_request_add_facet(to, from->facets[i], err);
    if (!ok) {
        pf_request_free(to);
        *out = NULL;
    }
    return ok;
}

/* ---- what is asked with ---- */

static bool check_weight(double weight, pf_err *err)
{
    const double w = fabs(weight);
    return (w >= PF_PART_WEIGHT_MIN && w <= PF_PART_WEIGHT_MAX) ||
           pf_fail(err, PF_ERR_MISUSE, "the weight %g is outside %g..%g", weight,
                   PF_PART_WEIGHT_MIN, PF_PART_WEIGHT_MAX);
}

/* Copies text and bytes. */
static bool add_part(pf_request *r, const pf_part *part, pf_err *err)
{
    pf_part own = *part;
    uint8_t *bytes = NULL;
    if (!check_weight(part->weight, err) ||
        !pf_grow_array(&r->parts, &r->parts_room, r->query.n_parts, sizeof *r->parts,
                       err))
        return false;
    r->query.parts = r->parts;
    if (part->kind == PF_PART_PICTURE) {
        bytes = pf_alloc_array(part->n_bytes, 1, err);
        if (!bytes)
            return false;
        if (part->n_bytes > 0)
            memcpy(bytes, part->bytes, part->n_bytes);
    }
    own.bytes = bytes;
    own.text = pf_strdup(part->text, err);
    if (!own.text) {
        pf_free(bytes);
        return false;
    }
    r->parts[r->query.n_parts++] = own;
    return true;
}

bool pf_request_add_phrase(pf_request *r, const char *phrase, double weight,
                           pf_err *err)
{
    const pf_part part = {.kind = PF_PART_PHRASE, .text = phrase, .weight = weight};
    return add_part(r, &part, err);
}

bool pf_request_add_picture_file(pf_request *r, const char *path, double weight,
                                 pf_err *err)
{
    const pf_part part = {.kind = PF_PART_FILE, .text = path, .weight = weight};
    return add_part(r, &part, err);
}

bool pf_request_add_picture(pf_request *r, const uint8_t *bytes, size_t n,
                            const char *name, double weight, pf_err *err)
{
    const pf_part part = {.kind = PF_PART_PICTURE,
                          .text = name,
                          .bytes = bytes,
                          .n_bytes = n,
                          .content = pf_hash_bytes(bytes, n),
                          .weight = weight};
    return add_part(r, &part, err);
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool pf_request_add_kept_picture(pf_request *r, const char *hash, double weight,
                                 pf_err *err)
{
    pf_part part = {.kind = PF_PART_KEPT, .text = hash, .weight = weight};
    bool ok = strlen(hash) == PF_HASH_HEX_SIZE - 1;
    for (size_t i = 0; ok && i < PF_HASH_SIZE; i++) {
        const int high = digit_of(hash[2 * i]), low = digit_of(hash[2 * i + 1]);
        ok = high >= 0 && low >= 0;
        part.content.b[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    }
    return ok ? add_part(r, &part, err)
              : pf_fail(err, PF_ERR_MISUSE,
                        "'%.80s' is not the hash of a picture, as answers have it",
                        hash);
}

bool pf_request_wants_picture(const pf_request *r, size_t *bytes)
{
    *bytes = r->picture_bytes;
    return r->wants_picture || r->picture_bytes > 0;
}

bool pf_request_give_picture(pf_request *r, const uint8_t *bytes, size_t n, pf_err *err)
{
    if (!r->wants_picture)
        return pf_fail(err, PF_ERR_MISUSE, "no picture is wanted");
    uint8_t *own = pf_alloc_array(n, 1, err);
    if (!own)
        return false;
    if (n > 0)
        memcpy(own, bytes, n);
    release(r->parts[r->wanted].bytes);
    r->parts[r->wanted].bytes = own;
    r->parts[r->wanted].n_bytes = n;
    r->parts[r->wanted].content = pf_hash_bytes(bytes, n);
    r->wants_picture = false;
    return true;
}

bool pf_request_add_like(pf_request *r, const char *image, double weight, pf_err *err)
{
    const pf_part part = {.kind = PF_PART_LIKE, .text = image, .weight = weight};
    return add_part(r, &part, err);
}

bool pf_request_add_filter(pf_request *r, const char *filter, pf_err *err)
{
    if (!pf_grow_array(&r->filters, &r->filters_room, r->query.n_filters,
                       sizeof *r->filters, err))
        return false;
    r->query.filters = r->filters;
    if (!pf_filter_parse(&r->filters[r->query.n_filters], filter, err))
        return false;
    r->query.n_filters++;
    return true;
}

static bool check_counted(const char *key, pf_err *err)
{
    const size_t n = strnlen(key, PF_FACET_KEY_MAX_BYTES + 1);
    return (n > 0 && n <= PF_FACET_KEY_MAX_BYTES && pf_utf8_is_valid(key, n)) ||
           pf_fail(err, PF_ERR_MISUSE,
                   "a key whose values are counted is 1 to %d bytes of UTF-8",
                   PF_FACET_KEY_MAX_BYTES);
}

bool pf_request_add_facet(pf_request *r, const char *key, pf_err *err)
{
    for (size_t i = 0; i < r->query.n_facets; i++) {
        if (strcmp(r->facets[i], key) == 0)
            return true;
    }
    if (r->query.n_facets == PF_FACETS_MAX)
        return pf_fail(err, PF_ERR_MISUSE, "more than %d keys whose values are counted",
                       PF_FACETS_MAX);
    if (!check_counted(key, err) ||
        !pf_grow_array(&r->facets, &r->facets_room, r->query.n_facets,
                       sizeof *r->facets, err))
        return false;
    r->query.facets = (const char *const *)r->facets;
    char *own = pf_strdup(key, err);
    if (own)
        r->facets[r->query.n_facets++] = own;
    return own != NULL;
}

/* ---- how it is answered ---- */

void pf_request_set_sort(pf_request *r, pf_sort sort)
{
    r->query.sort = sort;
}

bool pf_request_set_seed(pf_request *r, uint64_t seed, pf_err *err)
{
    if (seed > PF_SEED_MAX)
        return pf_fail(err, PF_ERR_MISUSE, "a seed above 2^53");
    r->query.seed = seed;
    r->has_seed = true;
    return true;
}

void pf_request_set_find(pf_request *r, pf_find find)
{
    r->query.find = find;
}

void pf_request_set_by(pf_request *r, pf_by by)
{
    r->query.by = by;
}

bool pf_request_add_in(pf_request *r, const char *fields, pf_err *err)
{
    pf_field_set in = r->query.in;
    if (!pf_field_set_add(&in, fields, err))
        return false;
    r->query.in = in;
    return true;
}

bool pf_request_set_limit(pf_request *r, size_t limit, size_t offset, pf_err *err)
{
    if (limit > PF_LIMIT_MAX)
        return pf_fail(err, PF_ERR_MISUSE, "a limit of %zu, the most is %d", limit,
                       PF_LIMIT_MAX);
    if (offset > PF_LIMIT_MAX)
        return pf_fail(err, PF_ERR_MISUSE, "an offset of %zu, the most is %d", offset,
                       PF_LIMIT_MAX);
    r->query.limit = limit;
    r->query.offset = offset;
    r->has_limit = true;
    return true;
}

bool pf_request_set_min_score(pf_request *r, double score, pf_err *err)
{
    if (!(score >= -1 && score <= 1))
        return pf_fail(err, PF_ERR_MISUSE, "a lowest score is a number from -1 to 1");
    r->query.min_score = score;
    return true;
}

bool pf_request_set_min_percentile(pf_request *r, double percentile, pf_err *err)
{
    if (!(percentile >= 0 && percentile <= 100))
        return pf_fail(err, PF_ERR_MISUSE, "a percentile is a number from 0 to 100");
    r->query.min_percentile = percentile;
    return true;
}

static bool check_cosine(double cosine, pf_err *err)
{
    return (cosine >= 0 && cosine <= 1) ||
           pf_fail(err, PF_ERR_MISUSE, "a threshold of %g is outside 0..1", cosine);
}

bool pf_request_set_collapse(pf_request *r, double cosine, pf_err *err)
{
    r->query.collapses = false;
    if (cosine < 0)
        return true;
    if (!check_cosine(cosine, err))
        return false;
    r->query.collapses = true;
    r->query.collapse = cosine;
    return true;
}

void pf_request_hide_paths(pf_request *r, bool hides_them)
{
    r->query.hides_paths = hides_them;
}

/* ---- what is done ---- */

bool pf_request_classify(pf_request *r, const char *labels, const char *pattern,
                         pf_err *err)
{
    pf_labels parsed = {0};
    if (!pf_labels_parse(&parsed, labels, pattern ? pattern : "{}", err))
        return false;
    char *text = pf_strdup(labels, err),
         *own = pf_strdup(pattern ? pattern : "{}", err);
    if (!text || !own) {
        pf_labels_reset(&parsed);
        pf_free(text);
        pf_free(own);
        return false;
    }
    pf_labels_reset(&r->labels);
    pf_free(r->labels_text);
    pf_free(r->pattern);
    r->labels = parsed;
    r->labels_text = text;
    r->pattern = own;
    r->job = PF_JOB_CLASSIFY_HITS;
    return true;
}

bool pf_request_rank_phrases(pf_request *r, const char *text, size_t n,
                             const char *name, pf_err *err)
{
    pf_phrases parsed = {0};
    if (!pf_phrases_parse(&parsed, text, n, name, err))
        return false;
    char *own = pf_alloc_array(n, 1, err), *own_name = pf_strdup(name, err);
    if (!own || !own_name) {
        pf_phrases_reset(&parsed);
        pf_free(own);
        pf_free(own_name);
        return false;
    }
    memcpy(own, text, n);
    pf_phrases_reset(&r->phrases);
    pf_free(r->phrases_text);
    pf_free(r->phrases_name);
    r->phrases = parsed;
    r->phrases_text = own;
    r->phrases_size = n;
    r->phrases_name = own_name;
    r->job = PF_JOB_PHRASES;
    r->query.find = PF_FIND_CAPTIONS;
    return true;
}

void pf_request_embed(pf_request *r)
{
    r->job = PF_JOB_EMBED;
}

bool pf_request_find_duplicates(pf_request *r, double cosine, pf_err *err)
{
    if (!check_cosine(cosine, err))
        return false;
    r->duplicates = cosine;
    r->job = PF_JOB_DUPLICATES;
    return true;
}

bool pf_request_count_values(pf_request *r, const char *key, pf_err *err)
{
    char *own = NULL;
    if (key && (!check_counted(key, err) || !(own = pf_strdup(key, err))))
        return false;
    pf_free(r->values_key);
    r->values_key = own;
    r->job = PF_JOB_VALUES;
    return true;
}

bool pf_request_evaluate(pf_request *r, const char *queries, pf_err *err)
{
    char *own = queries ? pf_strdup(queries, err) : NULL;
    if (queries && !own)
        return false;
    pf_free(r->queries);
    r->queries = own;
    r->job = PF_JOB_EVALUATE;
    return true;
}

/* ---- does it go together? ---- */

static bool is_picture(const pf_part *part)
{
    return part->kind == PF_PART_FILE || part->kind == PF_PART_PICTURE ||
           part->kind == PF_PART_KEPT;
}

pf_job pf_request_job(const pf_request *r)
{
    if (r->job != PF_JOB_CLASSIFY_HITS || r->query.n_filters > 0 ||
        r->query.n_parts == 0)
        return r->job;
    for (size_t i = 0; i < r->query.n_parts; i++) {
        if (!is_picture(&r->parts[i]))
            return r->job;
    }
    return PF_JOB_CLASSIFY_PICTURES;
}

bool pf_request_takes_long(const pf_request *r)
{
    const pf_job job = pf_request_job(r);
    bool decodes = false;
    for (size_t i = 0; i < r->query.n_parts; i++)
        decodes = decodes || r->parts[i].kind == PF_PART_FILE ||
                  r->parts[i].kind == PF_PART_PICTURE;
    return decodes || r->query.collapses || job == PF_JOB_CLASSIFY_PICTURES ||
           job == PF_JOB_CLASSIFY_HITS || job == PF_JOB_PHRASES ||
           job == PF_JOB_DUPLICATES || job == PF_JOB_EVALUATE;
}

pf_job pf_request_get_job(const pf_request *r)
{
    return pf_request_job(r);
}

static bool refuse(const char *what, const char *job, pf_err *err)
{
    return pf_fail(err, PF_ERR_MISUSE, "%s does not go with %s", what, job);
}

/* What chooses among hits, where there are none. */
static bool check_no_search(const pf_request *r, const char *job, pf_err *err)
{
    const pf_query *q = &r->query;
    if (q->min_score > -1)
        return refuse("a lowest score", job, err);
    if (q->min_percentile > 0)
        return refuse("a lowest percentile", job, err);
    if (q->collapses)
        return refuse("folding of near duplicates", job, err);
    if (q->sort != PF_SORT_DEFAULT)
        return refuse("an order", job, err);
    if (q->n_facets > 0)
        return refuse("counting of values", job, err);
    if (q->in)
        return refuse("a field for words", job, err);
    return q->offset == 0 || refuse("an offset", job, err);
}

static bool check_no_parts(const pf_request *r, const char *job, pf_err *err)
{
    return r->query.n_parts == 0 || refuse("a phrase or picture", job, err);
}

static bool check_no_filters(const pf_request *r, const char *job, pf_err *err)
{
    return r->query.n_filters == 0 || refuse("a filter", job, err);
}

static bool check_by_meaning(const pf_request *r, const char *job, pf_err *err)
{
    return r->query.by == PF_BY_DEFAULT || r->query.by == PF_BY_MEANING ||
           refuse("looking for words", job, err);
}

static bool check_embed(const pf_request *r, pf_err *err)
{
    const pf_part *part = r->parts;
    const bool is_one =
        r->query.n_parts == 1 && (part->kind == PF_PART_PHRASE || is_picture(part));
    if (!is_one)
        return pf_fail(err, PF_ERR_MISUSE,
                       "one phrase or one picture can be embedded, and nothing else");
    return part->weight == 1 ||
           pf_fail(err, PF_ERR_MISUSE,
                   "a vector has length 1, a weight makes no difference");
}

static bool check_pictures(const pf_request *r, pf_err *err)
{
    for (size_t i = 0; i < r->query.n_parts; i++) {
        if (r->parts[i].weight != 1)
            return pf_fail(err, PF_ERR_MISUSE,
                           "each picture is classified by itself, a weight makes no "
                           "difference");
    }
    return check_no_search(r, "the classification of pictures", err);
}

static bool check_phrases(const pf_request *r, pf_err *err)
{
    static const char job[] = "phrases to be ranked";
    if (r->query.n_parts == 0)
        return pf_fail(err, PF_ERR_MISUSE, "nothing was asked");
    if (r->query.limit == 0)
        return pf_fail(err, PF_ERR_MISUSE, "a limit of 0 leaves no answer");
    if (r->query.find != PF_FIND_CAPTIONS)
        return pf_fail(err, PF_ERR_MISUSE,
                       "phrases take the place of captions: these must be looked for");
    if (r->query.min_percentile > 0)
        return refuse("a lowest percentile", job, err);
    if (r->query.collapses)
        return refuse("folding of near duplicates", job, err);
    if (r->query.sort != PF_SORT_DEFAULT)
        return refuse("an order", job, err);
    if (r->query.n_facets > 0)
        return refuse("counting of values", job, err);
    return check_no_filters(r, job, err) && check_by_meaning(r, job, err);
}

static bool check_search(const pf_request *r, pf_err *err)
{
    const pf_query *q = &r->query;
    if (q->sort != PF_SORT_RANDOM && r->has_seed)
        return pf_fail(err, PF_ERR_MISUSE, "a seed is for a random order");
    for (size_t i = 0; r->query.hides_paths && i < q->n_facets; i++) {
        if (strcmp(r->facets[i], "source") == 0)
            return refuse("counting of sources, which are paths,", "hidden paths", err);
    }
    if (q->in && q->by == PF_BY_MEANING)
        return pf_fail(
            err, PF_ERR_MISUSE,
            "where words are looked for was said, but not to look for words");
    if (q->hides_paths && q->in == 1u << PF_FIELD_NAME)
        return pf_fail(err, PF_ERR_MISUSE,
                       "words cannot be looked for in names that are hidden");
    if (q->by != PF_BY_WORDS)
        return true;
    if (q->min_score > -1)
        return pf_fail(err, PF_ERR_MISUSE,
                       "a lowest score is a cosine, words have none");
    return q->min_percentile <= 0 ||
           pf_fail(err, PF_ERR_MISUSE,
                   "a lowest percentile is that of a cosine, words have none");
}

static bool check_values(const pf_request *r, pf_err *err)
{
    if (r->query.hides_paths && r->values_key && strcmp(r->values_key, "source") == 0)
        return refuse("counting of sources, which are paths,", "hidden paths", err);
    return (r->query.by == PF_BY_DEFAULT) ||
           refuse("looking for something", "a list of values", err);
}

/* C takes any number for an enumerator. */
static bool check_names(const pf_request *r, pf_err *err)
{
    const int find = (int)r->query.find, by = (int)r->query.by;
    const int sort = (int)r->query.sort;
    if (sort < PF_SORT_DEFAULT || sort > PF_SORT_RANDOM)
        return pf_fail(err, PF_ERR_MISUSE, "%d is no order", sort);
    if (find < PF_FIND_IMAGES || find > PF_FIND_CASES)
        return pf_fail(err, PF_ERR_MISUSE, "%d is nothing that can be found", find);
    return (by >= PF_BY_DEFAULT && by <= PF_BY_BOTH) ||
           pf_fail(err, PF_ERR_MISUSE, "%d is no way to look for something", by);
}

static bool check_job(const pf_request *r, pf_err *err)
{
    switch (pf_request_job(r)) {
    case PF_JOB_CLASSIFY_PICTURES:
        return check_pictures(r, err);
    case PF_JOB_CLASSIFY_HITS:
        return (r->query.find == PF_FIND_IMAGES ||
                pf_fail(err, PF_ERR_MISUSE, "only images can be classified")) &&
               check_search(r, err);
    case PF_JOB_PHRASES:
        return check_phrases(r, err);
    case PF_JOB_EMBED:
        return check_embed(r, err) && check_no_filters(r, "a vector", err) &&
               check_no_search(r, "a vector", err);
    case PF_JOB_DUPLICATES:
        return check_no_parts(r, "near duplicates", err) &&
               check_by_meaning(r, "near duplicates", err) &&
               check_no_search(r, "near duplicates", err);
    case PF_JOB_EVALUATE:
        return check_no_parts(r, "an evaluation", err) &&
               check_no_search(r, "an evaluation", err);
    case PF_JOB_VALUES:
        return check_no_parts(r, "a list of values", err) && check_values(r, err) &&
               check_no_search(r, "a list of values", err);
    case PF_JOB_SEARCH:
        break;
    }
    return check_search(r, err);
}

bool pf_request_check(const pf_request *r, pf_err *err)
{
    if (r->wants_picture)
        return pf_fail(err, PF_ERR_MISUSE, "the picture '-' was not given");
    return check_names(r, err) && check_job(r, err);
}

/* ---- in words ---- */

enum { DESCRIPTION_MAX = 8 << 20 }; /* more than a command line has */

static bool describe_part(pf_buf *b, const pf_part *part, bool is_first, pf_err *err)
{
    const double weight = fabs(part->weight);
    bool ok = is_first || pf_buf_add_str(b, ", ", err);
    if (ok && part->weight < 0)
        ok = pf_buf_add_str(b, "without ", err);
    if (ok && weight != 1)
        ok = pf_buf_addf(b, err, "%g \xC3\x97 ", weight);
    switch (part->kind) {
    case PF_PART_PHRASE:
        return ok && pf_buf_add_str(b, part->text, err);
    case PF_PART_FILE:
        return ok && pf_buf_addf(b, err, "the picture %s", pf_path_base(part->text));
    case PF_PART_PICTURE:
    case PF_PART_KEPT:
        return ok && pf_buf_add_str(b, "a picture", err);
    case PF_PART_LIKE:
        break;
    }
    return ok && pf_buf_addf(b, err, "like %s", part->text);
}

char *pf_request_describe(const pf_request *r, pf_err *err)
{
    const pf_query *q = &r->query;
    pf_buf b;
    pf_buf_init(&b, DESCRIPTION_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < q->n_parts; i++)
        ok = describe_part(&b, &q->parts[i], i == 0, err);
    for (size_t i = 0; ok && i < q->n_filters; i++)
        ok = pf_buf_addf(&b, err, "%s%s%s", i == 0 && q->n_parts > 0 ? ", " : "",
                         i == 0 ? "where " : " and ", q->filters[i].text);
    char *text = ok ? pf_buf_take(&b, err) : NULL;
    pf_buf_free(&b);
    return text;
}
