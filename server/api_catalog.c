/*
 * api_catalog.c - what there is: the catalog, its values, an image, a case; and how the
 * server is.
 */
#include "server/api.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "server/params.h"
#include "server/problem.h"

static const char json_type[] = "application/json";

work_line api_health(const call *c, http_response *out)
{
    static const char body[] = "{\"status\":\"ok\"}";
    (void)c;
    http_give_static(out, 200, json_type, body, sizeof body - 1);
    return WORK_DONE;
}

/* In Prometheus's text format. */
static void write_metrics(const void *context, FILE *out)
{
    const call *c = context;
    server *s = c->server;
    static const char *const classes[] = {"gone", "1xx", "2xx", "3xx", "4xx", "5xx"};
    const workers_state work = workers_look(s->workers);
    fputs("# HELP plainfilm_requests_total Requests by what they were answered with.\n"
          "# TYPE plainfilm_requests_total counter\n",
          out);
    for (int i = 0; i < 6; i++)
        fprintf(out, "plainfilm_requests_total{answer=\"%s\"} %llu\n", classes[i],
                atomic_load(&s->n_by_class[i]));
    fprintf(out,
            "# HELP plainfilm_request_seconds_total Time that requests took.\n"
            "# TYPE plainfilm_request_seconds_total counter\n"
            "plainfilm_request_seconds_total %.6f\n",
            (double)atomic_load(&s->took_us) / 1e6);
    fprintf(out,
            "# HELP plainfilm_requests_refused_total Requests that found no room.\n"
            "# TYPE plainfilm_requests_refused_total counter\n"
            "plainfilm_requests_refused_total %llu\n",
            work.refused);
    fprintf(out,
            "# HELP plainfilm_workers Threads that answer.\n"
            "# TYPE plainfilm_workers gauge\n"
            "plainfilm_workers{state=\"all\"} %u\n"
            "plainfilm_workers{state=\"busy\"} %u\n"
            "# HELP plainfilm_waiting Requests that wait for one.\n"
            "# TYPE plainfilm_waiting gauge\n"
            "plainfilm_waiting %u\n",
            work.threads, work.busy, work.waiting);
    fprintf(out,
            "# HELP plainfilm_generation Of the catalog; 0: nothing was published.\n"
            "# TYPE plainfilm_generation gauge\n"
            "plainfilm_generation %lld\n",
            c->worker->reader ? (long long)pf_reader_generation(c->worker->reader)
                              : 0LL);
    fprintf(out,
            "# HELP plainfilm_uptime_seconds Since the server was started.\n"
            "# TYPE plainfilm_uptime_seconds gauge\n"
            "plainfilm_uptime_seconds %.0f\n",
            pf_clock_seconds() - s->began);
}

work_line api_metrics(const call *c, http_response *out)
{
    text_give(out, 200, "text/plain; version=0.0.4; charset=utf-8", write_metrics, c);
    return WORK_DONE;
}

/* ---- the catalog -------------------------------------------------------------------
 */

static void write_catalog(const void *context, FILE *out)
{
    const pf_catalog_info *info = context;
    pf_json_writer w;
    pf_json_writer_init(&w, out);
    pf_json_begin_object(&w, NULL);
    pf_json_write_string(&w, "version", pf_version());
    pf_json_write_int(&w, "generation", info->generation);
    pf_json_write_int(&w, "images", info->images);
    pf_json_write_int(&w, "captions", info->captions);
    pf_json_write_int(&w, "captioned_images", info->captioned_images);
    pf_json_write_int(&w, "cases", info->cases);
    pf_json_write_int(&w, "dim", info->dim);
    pf_json_write_bool(&w, "indexing", info->is_being_written);
    pf_json_write_bool(&w, "serve_originals", command.serve_originals);
    pf_json_write_int(&w, "image_bytes_max", command.upload_mb << 20);
    pf_json_end_object(&w);
}

/* Of one that nothing was published in yet there is nothing, which is no failure. */
work_line api_catalog(const call *c, http_response *out)
{
    pf_err err = PF_ERR_INIT;
    pf_catalog_info info = PF_CATALOG_INFO_INIT;
    if (c->from == WORK_FIRST)
        return WORK_USUAL; /* the first of a generation has it counted */
    if (!c->worker->reader && c->worker->failure.code != PF_ERR_NOT_FOUND)
        problem_give(out, &c->worker->failure);
    else if (!c->worker->reader || pf_reader_get_info(c->worker->reader, &info, &err))
        text_give(out, 200, json_type, write_catalog, &info);
    else
        problem_give(out, &err);
    return WORK_DONE;
}

/* ---- values ------------------------------------------------------------------------
 */

/* {"facets": {"modality": [{"value": "CT", "images": 12}, ...], ...}} */
static void write_facets(const void *context, FILE *out)
{
    const pf_facets *f = context;
    const char *key = NULL;
    pf_json_writer w;
    pf_json_writer_init(&w, out);
    pf_json_begin_object(&w, NULL);
    pf_json_begin_object(&w, "facets");
    for (size_t i = 0; i < pf_facets_count(f); i++) {
        const pf_facet *v = pf_facets_at(f, i);
        if (!key || strcmp(key, v->key) != 0) {
            if (key)
                pf_json_end_array(&w);
            key = v->key;
            pf_json_begin_array(&w, key);
        }
        pf_json_begin_object(&w, NULL);
        pf_json_write_string(&w, "value", v->value);
        pf_json_write_int(&w, "images", (int64_t)v->n_images);
        pf_json_end_object(&w);
    }
    if (key)
        pf_json_end_array(&w);
    pf_json_end_object(&w);
    pf_json_end_object(&w);
}

/* Parameters as they were sent: other spellings are other questions. */
static kept_question key_of(const call *c)
{
    return (kept_question){.edition = pf_reader_edition(c->worker->reader),
                           .route = "/api/facets",
                           .text = c->request->query,
                           .n = strlen(c->request->query)};
}

static bool give_kept(const call *c, http_response *out)
{
    const kept_question key = key_of(c);
    size_t n;
    char *json = kept_find(c->server->kept, &key, &n);
    if (json)
        http_give(out, 200, json_type, json, n);
    return json != NULL;
}

static void count_values(const call *c, size_t most, http_response *out)
{
    const kept_question key = key_of(c);
    pf_err err = PF_ERR_INIT;
    pf_facets *facets = NULL;
    if (pf_reader_get_facets(c->worker->reader, params_find(c->request, "key"), most,
                             &facets, &err))
        text_give(out, 200, json_type, write_facets, facets);
    else
        problem_give(out, &err);
    if (out->status == 200)
        kept_add(c->server->kept, &key, out->body, out->size);
    pf_facets_free(facets);
}

/* ?key=modality&most=20: 0 are all of them. */
work_line api_facets(const call *c, http_response *out)
{
    enum { MOST_DEFAULT = 20 };
    const char *most = params_find(c->request, "most");
    if (most && (most[0] == '\0' || strlen(most) > 6 ||
                 most[strspn(most, "0123456789")] != '\0')) {
        problem_give_status(out, 400, "misuse",
                            "'most' is no whole number from 0 to 999999");
        return WORK_DONE;
    }
    if (give_kept(c, out))
        return WORK_DONE;
    if (c->from == WORK_FIRST)
        return WORK_USUAL;
    count_values(c, most ? strtoul(most, NULL, 10) : MOST_DEFAULT, out);
    return WORK_DONE;
}

/* ---- one image ---------------------------------------------------------------------
 */

static void write_path(pf_json_writer *w, const pf_image *image)
{
    char name[32];
    if (command.hide_paths) {
        snprintf(name, sizeof name, "image %lld", (long long)image->id);
        pf_json_write_string(w, "path", name);
    } else {
        pf_json_write_path(w, "path", image->path);
    }
    pf_json_write_int(w, "frame", image->frame);
}

/* As hits have them: of several values for the same key an array. */
static void write_attributes(pf_json_writer *w, const pf_attribute *a, size_t n)
{
    pf_json_begin_object(w, "attributes");
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && strcmp(a[end].key, a[i].key) == 0;)
            end++;
        if (end == i + 1) {
            pf_json_write_string(w, a[i].key, a[i].value);
            continue;
        }
        pf_json_begin_array(w, a[i].key);
        for (size_t k = i; k < end; k++)
            pf_json_write_string(w, NULL, a[k].value);
        pf_json_end_array(w);
    }
    pf_json_end_object(w);
}

static void write_image(const void *context, FILE *out)
{
    const pf_image *image = context;
    pf_json_writer w;
    pf_json_writer_init(&w, out);
    pf_json_begin_object(&w, NULL);
    pf_json_write_int(&w, "id", image->id);
    write_path(&w, image);
    pf_json_write_int(&w, "width", image->width);
    pf_json_write_int(&w, "height", image->height);
    pf_json_write_string(&w, "format", image->format);
    pf_json_write_string(&w, "case", image->case_key);
    pf_json_write_string(&w, "title", image->case_title);
    if (image->case_id > 0)
        pf_json_write_int(&w, "case_id", image->case_id);
    pf_json_begin_array(&w, "captions");
    for (size_t i = 0; i < image->n_captions; i++)
        pf_json_write_string(&w, NULL, image->captions[i].text);
    pf_json_end_array(&w);
    write_attributes(&w, image->attributes, image->n_attributes);
    pf_json_end_object(&w);
}

work_line api_image(const call *c, http_response *out)
{
    pf_err err = PF_ERR_INIT;
    pf_image *image = NULL;
    if (!pf_reader_find_image(c->worker->reader, c->id, &image, &err))
        problem_give(out, &err);
    else if (!image)
        problem_give_status(out, 404, "not_found", "there is no such image");
    else
        text_give(out, 200, json_type, write_image, image);
    pf_image_free(image);
    return WORK_DONE;
}

/* ---- one case ----------------------------------------------------------------------
 */

typedef struct {
    const pf_case *found;
    pf_image **images; /* [n_images] of it; NULL: it is gone */
} case_answer;

static void write_case(const void *context, FILE *out)
{
    const case_answer *a = context;
    pf_json_writer w;
    pf_json_writer_init(&w, out);
    pf_json_begin_object(&w, NULL);
    pf_json_write_int(&w, "id", a->found->id);
    pf_json_write_string(&w, "case", a->found->key);
    pf_json_write_string(&w, "title", a->found->title);
    pf_json_begin_array(&w, "images");
    for (size_t i = 0; i < a->found->n_images; i++) {
        if (!a->images[i])
            continue;
        pf_json_begin_object(&w, NULL);
        pf_json_write_int(&w, "id", a->images[i]->id);
        write_path(&w, a->images[i]);
        pf_json_end_object(&w);
    }
    pf_json_end_array(&w);
    pf_json_end_object(&w);
}

static bool find_images(pf_reader *reader, case_answer *a, pf_err *err)
{
    a->images = pf_alloc_array(a->found->n_images, sizeof *a->images, err);
    bool ok = a->images != NULL;
    for (size_t i = 0; ok && i < a->found->n_images; i++)
        ok = pf_reader_find_image(reader, a->found->images[i], &a->images[i], err);
    return ok;
}

work_line api_case(const call *c, http_response *out)
{
    pf_err err = PF_ERR_INIT;
    pf_case *found = NULL;
    if (c->from == WORK_FIRST)
        return WORK_USUAL; /* it may have thousands of images */
    if (!pf_reader_find_case(c->worker->reader, c->id, &found, &err)) {
        problem_give(out, &err);
        return WORK_DONE;
    }
    if (!found) {
        problem_give_status(out, 404, "not_found", "there is no such case");
        return WORK_DONE;
    }
    case_answer a = {.found = found};
    if (find_images(c->worker->reader, &a, &err))
        text_give(out, 200, json_type, write_case, &a);
    else
        problem_give(out, &err);
    for (size_t i = 0; a.images && i < found->n_images; i++)
        pf_image_free(a.images[i]);
    pf_free(a.images);
    pf_case_free(found);
    return WORK_DONE;
}
