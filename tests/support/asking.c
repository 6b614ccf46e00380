/* asking.c - see asking.h. */
#include "tests/support/asking.h"

#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/catalog/catalog.h"

enum { IDS = 3 };

static void take_note(void *context, pf_note_kind kind, const char *text)
{
    (void)kind;
    pf_notes_add(context, "%s", text);
}

bool pf_asking_open(pf_reader **out, const char *folder,
                    const pf_engine_options *options, pf_notes *notes, pf_err *err)
{
    const pf_engine_options defaults = PF_ENGINE_OPTIONS_INIT;
    pf_engine_options o = options ? *options : defaults;
    pf_engine *engine;
    *out = NULL;
    o.struct_size = sizeof o;
    o.catalog = folder;
    o.has_no_catalog = folder == NULL;
    o.note = take_note;
    o.context = notes;
    if (!pf_engine_open(&engine, &o, err))
        return false;
    if (!pf_reader_open(out, engine, err))
        pf_engine_close(engine);
    return *out != NULL;
}

void pf_asking_close(pf_reader *reader)
{
    pf_engine *engine = reader ? reader->engine : NULL;
    pf_reader_close(reader);
    pf_engine_close(engine);
}

static void forget_times(char *json)
{
    static const char *const keys[] = {"\"took_ms\":", "\"seconds\":"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        char *at = json;
        while ((at = strstr(at, keys[k]))) {
            at += strlen(keys[k]);
            const size_t n = strspn(at, "0123456789.e+-");
            memmove(at + 1, at + n, strlen(at + n) + 1);
            *at = '0';
        }
    }
}

char *pf_asking_ask(pf_reader *reader, const char *question, pf_err *err)
{
    pf_request *request;
    pf_answer *answer = NULL;
    char *json = NULL;
    if (!pf_request_new(&request, err))
        return NULL;
    if (pf_request_read_json(request, question, strlen(question), true, err) &&
        pf_reader_ask(reader, request, NULL, &answer, err) &&
        pf_answer_get_json(answer, &json, NULL, err))
        forget_times(json);
    pf_answer_free(answer);
    pf_request_free(request);
    return json;
}

/* ---- all there is ---- */

/* One question after another, each timed. */
typedef struct {
    const char *folder;
    pf_reader *reader;
    pf_notes *problems;   /* or NULL */
    double opening;       /* seconds */
    pf_asking_cost *most; /* or NULL */
    pf_err first;         /* failure of them */
} round_trip;

static double processor_seconds(void)
{
    struct timespec t;
    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0
               ? (double)t.tv_sec + 1e-9 * (double)t.tv_nsec
               : 0;
}

/* What a program needs that opens the catalog and asks this alone. */
static void note_cost(round_trip *t, const char *question, double since)
{
    const double seconds = t->opening + processor_seconds() - since;
    if (t->most && seconds > t->most->seconds)
        *t->most = (pf_asking_cost){question, seconds};
}

/* The first failure counts. */
static void keep_first(round_trip *t, bool ok, const pf_err *why)
{
    if (!ok && t->first.code == PF_OK)
        pf_fail_as(&t->first, why);
}

static void get_info(round_trip *t)
{
    pf_catalog_info info = PF_CATALOG_INFO_INIT;
    pf_err why = PF_ERR_INIT;
    keep_first(t, pf_reader_get_info(t->reader, &info, &why), &why);
}

static void find_images(round_trip *t)
{
    for (int64_t id = 1; id <= IDS; id++) {
        pf_image *image;
        pf_err why = PF_ERR_INIT;
        keep_first(t, pf_reader_find_image(t->reader, id, &image, &why), &why);
        pf_image_free(image);
    }
}

static void find_cases(round_trip *t)
{
    for (int64_t id = 1; id <= IDS; id++) {
        pf_case *found;
        pf_err why = PF_ERR_INIT;
        keep_first(t, pf_reader_find_case(t->reader, id, &found, &why), &why);
        pf_case_free(found);
    }
}

static void get_thumbnails(round_trip *t)
{
    for (int64_t id = 1; id <= IDS; id++) {
        uint8_t *jpeg;
        size_t n;
        if (pf_reader_get_thumbnail(t->reader, id, &jpeg, &n, NULL)) /* no films */
            pf_free(jpeg);
    }
}

static void get_facets(round_trip *t)
{
    pf_facets *facets;
    pf_err why = PF_ERR_INIT;
    keep_first(t, pf_reader_get_facets(t->reader, NULL, 0, &facets, &why), &why);
    pf_facets_free(facets);
}

static void look_around(round_trip *t)
{
    static const struct {
        const char *what;
        void (*look)(round_trip *t);
    } looks[] = {{"the catalog", get_info},
                 {"images", find_images},
                 {"cases", find_cases},
                 {"thumbnails", get_thumbnails},
                 {"facets", get_facets}};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        const double since = processor_seconds();
        looks[i].look(t);
        note_cost(t, looks[i].what, since);
    }
}

static void ask_all(round_trip *t)
{
    static const char *const questions[] = {
        "{\"phrase\":\"film\",\"by\":\"words\"}",
        "{\"phrase\":\"caption of film 4\",\"by\":\"words\",\"find\":\"captions\"}",
        "{\"phrase\":\"film\",\"by\":\"words\",\"filter\":\"modality=CT\"}",
        "{\"like\":3}",
        "{\"like\":3,\"find\":\"captions\"}",
        "{\"like\":3,\"find\":\"cases\",\"min_percentile\":1}",
        "{\"like\":3,\"filter\":[\"case~c\",\"path~*films*\"],\"collapse\":0.5}",
        "{\"sort\":\"date\",\"facets\":[\"modality\",\"case\",\"year\"]}",
        "{\"filter\":\"modality=none\"}",
        "{\"values\":true}",
        "{\"duplicates\":0.3}",
        "{\"phrase\":\"film\",\"limit\":100}",
        "{\"evaluate\":true}",
    };
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        const double since = processor_seconds();
        pf_err why = PF_ERR_INIT;
        char *json = pf_asking_ask(t->reader, questions[i], &why);
        keep_first(t, json != NULL, &why);
        pf_free(json);
        note_cost(t, questions[i], since);
    }
}

static void check(round_trip *t)
{
    const double since = processor_seconds();
    pf_catalog *catalog;
    pf_notes ignored = {0};
    pf_err why = PF_ERR_INIT;
    bool ok = pf_catalog_open_reader(&catalog, t->folder, &why);
    if (ok) {
        ok =
            pf_catalog_check(catalog, NULL, t->problems ? t->problems : &ignored, &why);
        pf_catalog_close(catalog);
    }
    pf_notes_reset(&ignored);
    keep_first(t, ok, &why);
    note_cost(t, "the check", since);
}

bool pf_asking_all(const char *folder, pf_notes *notes, pf_notes *problems,
                   pf_asking_cost *most, pf_err *err)
{
    round_trip t = {.folder = folder, .problems = problems, .most = most};
    pf_err why = PF_ERR_INIT;
    const double since = processor_seconds();
    const bool is_open = pf_asking_open(&t.reader, folder, NULL, notes, &why);
    keep_first(&t, is_open, &why);
    note_cost(&t, "opening", since);
    t.opening = processor_seconds() - since;
    if (is_open) {
        look_around(&t);
        ask_all(&t);
        pf_asking_close(t.reader);
    }
    check(&t);
    return t.first.code == PF_OK || pf_fail_as(err, &t.first);
}
