/* asking.c - see asking.h. */
#include "tests/support/asking.h"

#include <string.h>

#include "core/catalog/catalog.h"

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

/* The first failure counts. */
static bool keep_first(bool ok, const pf_err *why, pf_err *err)
{
    if (!ok && err->code == PF_OK)
        pf_fail_as(err, why);
    return ok;
}

static bool look_around(pf_reader *r, pf_err *err)
{
    pf_facets *facets = NULL;
    pf_catalog_info info = {.struct_size = sizeof info};
    pf_err why = PF_ERR_INIT;
    bool ok = keep_first(pf_reader_get_info(r, &info, &why), &why, err);
    for (int64_t id = 1; id <= 3; id++) {
        pf_image *image = NULL;
        pf_case *one = NULL;
        uint8_t *jpeg = NULL;
        size_t n;
        why = (pf_err)PF_ERR_INIT;
        ok = keep_first(pf_reader_find_image(r, id, &image, &why), &why, err) && ok;
        ok = keep_first(pf_reader_find_case(r, id, &one, &why), &why, err) && ok;
        if (pf_reader_get_thumbnail(r, id, &jpeg, &n, NULL)) /* films are not there */
            pf_free(jpeg);
        pf_image_free(image);
        pf_case_free(one);
    }
    why = (pf_err)PF_ERR_INIT;
    ok = keep_first(pf_reader_get_facets(r, NULL, 0, &facets, &why), &why, err) && ok;
    pf_facets_free(facets);
    return ok;
}

static bool ask_all(pf_reader *r, pf_err *err)
{
    static const char *const questions[] = {
        "{\"phrase\":\"film\",\"by\":\"words\"}",
        "{\"phrase\":\"caption of film 4\",\"by\":\"words\",\"find\":\"captions\"}",
        "{\"phrase\":\"film\",\"by\":\"words\",\"filter\":\"modality=CT\"}",
        "{\"like\":3}",
        "{\"like\":3,\"find\":\"captions\"}",
        "{\"like\":3,\"find\":\"cases\",\"min_percentile\":1}",
        "{\"like\":3,\"filter\":[\"case~c\",\"path~films\"],\"collapse\":0.5}",
        "{\"duplicates\":0.3}",
        "{\"phrase\":\"film\",\"limit\":100}",
        "{\"evaluate\":true}",
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        pf_err why = PF_ERR_INIT;
        char *json = pf_asking_ask(r, questions[i], &why);
        ok = keep_first(json != NULL, &why, err) && ok;
        pf_free(json);
    }
    return ok;
}

static bool check(const char *folder, pf_notes *problems, pf_err *err)
{
    pf_catalog *catalog;
    pf_notes ignored = {0};
    pf_err why = PF_ERR_INIT;
    bool ok = pf_catalog_open_reader(&catalog, folder, &why);
    if (ok) {
        ok = pf_catalog_check(catalog, NULL, problems ? problems : &ignored, &why);
        pf_catalog_close(catalog);
    }
    pf_notes_reset(&ignored);
    return keep_first(ok, &why, err);
}

bool pf_asking_all(const char *folder, pf_notes *notes, pf_notes *problems, pf_err *err)
{
    pf_reader *r;
    pf_err first = PF_ERR_INIT, why = PF_ERR_INIT;
    bool ok = keep_first(pf_asking_open(&r, folder, NULL, notes, &why), &why, &first);
    if (ok) {
        ok = look_around(r, &first);
        ok = ask_all(r, &first) && ok;
        pf_asking_close(r);
    }
    ok = check(folder, problems, &first) && ok;
    return ok || pf_fail_as(err, &first);
}
