/*
 * test_engine.c - what an engine loads, when, and for whom; readers and generations;
 * and running out of memory in each kind of question.
 *
 * Whether an index was loaded is seen by its file, which is damaged behind the engine's
 * back: whoever loads it is told so.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/catalog/catalog.h"
#include "core/catalog/vfile.h"
#include "core/engine/models.h"
#include "core/engine/reader.h"
#include "core/engine/view.h"
#include "tests/support/asking.h"
#include "tests/support/rows.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 32, IMAGES = 20, MORE = 24, KINDS = PF_NOTE_SKIPPED + 1 };

static char root[PF_TREE_ROOM], folder[96], model[96], film[96];
static pf_err err;

/* What engines told, by kind. */
static pf_notes told[KINDS];

/* ---- set-up ---------------------------------------------------------------------- */

static void write_model(const char *path)
{
    assert_ok(pf_make_folders(path, 0700, &err) && pf_seeded_model_write(path, &err),
              &err);
}

/* The next generation: of `n` images, with the model at `path`. */
static void publish_with(const char *path, int n)
{
    assert_ok(pf_seeded_catalog_write(folder, path, NULL, n, true, &err), &err);
}

static void publish(int n)
{
    publish_with(model, n);
}

static void forget(void)
{
    for (int kind = 0; kind < KINDS; kind++)
        pf_notes_reset(&told[kind]);
}

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    pf_tree_make(root);
    snprintf(folder, sizeof folder, "%s/catalog", root);
    snprintf(model, sizeof model, "%s/model", root);
    snprintf(film, sizeof film, "%s/film.ppm", root);
    pf_tree_write_text(film, "P3 2 2 255 0 0 0 255 0 0 0 255 0 9 9 255\n");
    write_model(model);
    publish(IMAGES);
    return 0;
}

static int after(void **state)
{
    (void)state;
    forget();
    pf_tree_remove(root);
    return 0;
}

static void take_note(void *context, pf_note_kind kind, const char *text)
{
    assert_ptr_equal(context, told);
    pf_notes_add(&told[kind], "%s", text);
}

static size_t n_told(void)
{
    size_t n = 0;
    for (int kind = 0; kind < KINDS; kind++)
        n += told[kind].count;
    return n;
}

static pf_engine *open_engine_with(pf_engine_options options)
{
    pf_engine *e;
    options.struct_size = sizeof options;
    options.catalog = options.has_no_catalog ? NULL : folder;
    options.note = take_note;
    options.context = told;
    assert_ok(pf_engine_open(&e, &options, &err), &err);
    return e;
}

static pf_engine *open_engine(void)
{
    return open_engine_with((pf_engine_options){0});
}

static pf_reader *open_reader(pf_engine *e)
{
    pf_reader *r;
    assert_ok(pf_reader_open(&r, e, &err), &err);
    return r;
}

static char *ask(pf_reader *r, const char *question)
{
    char *json = pf_asking_ask(r, question, &err);
    if (!json)
        fail_msg("%s: %s", question, err.msg);
    return json;
}

static void refuse(pf_reader *r, const char *question, pf_code code, const char *words)
{
    err = (pf_err)PF_ERR_INIT;
    char *json = pf_asking_ask(r, question, &err);
    if (json)
        fail_msg("%s is answered: %s", question, json);
    if (!strstr(err.msg, words))
        fail_msg("%s: '%s', expected '%s'", question, err.msg, words);
    assert_int_equal(err.code, code);
    err = (pf_err)PF_ERR_INIT;
}

/* The answer is, to the last byte, `expected`. */
static void expect(pf_reader *r, const char *question, const char *expected)
{
    char *json = ask(r, question);
    assert_string_equal(json, expected);
    pf_free(json);
}

/* As an engine of its own answers, which nothing has happened to. */
static char *ask_fresh(const char *question)
{
    pf_reader *r;
    assert_ok(pf_asking_open(&r, folder, NULL, NULL, &err), &err);
    char *json = ask(r, question);
    pf_asking_close(r);
    return json;
}

static const char *index_name(pf_index_kind kind, int64_t generation)
{
    static char names[2][32];
    snprintf(names[kind], sizeof names[kind], "%s.%d.faiss", pf_index_kind_name(kind),
             (int)generation);
    return names[kind];
}

static char spoilt[6]; /* what was there before */

/* The bytes change, the file stays the same one. */
static void spoil_at(pf_index_kind kind, int64_t generation, long at)
{
    FILE *f = fopen(pf_tree_path(folder, index_name(kind, generation)), "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fread(spoilt, 1, sizeof spoilt, f), sizeof spoilt);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fputs("damage", f) >= 0 && fclose(f) == 0, true);
}

/* What was spoilt is as it was. */
static void mend(pf_index_kind kind, int64_t generation, long at)
{
    FILE *f = fopen(pf_tree_path(folder, index_name(kind, generation)), "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fwrite(spoilt, 1, sizeof spoilt, f), sizeof spoilt);
    fclose(f);
}

static void spoil(pf_index_kind kind, int64_t generation)
{
    spoil_at(kind, generation, 100);
}

static void delete_index(pf_index_kind kind, int64_t generation)
{
    assert_int_equal(unlink(pf_tree_path(folder, index_name(kind, generation))), 0);
}

static size_t n_notes_of(pf_index_kind kind, int64_t generation)
{
    size_t n = 0;
    const pf_notes *notes = &told[PF_NOTE_CATALOG];
    for (size_t i = 0; i < notes->count; i++)
        n += strstr(notes->line[i], index_name(kind, generation)) != NULL;
    return n;
}

/* ---- questions of each kind ------------------------------------------------------ */

/* The questions, and what each needs. %s is a picture file. */
static const struct {
    const char *question;
    bool needs_catalog, images, captions; /* the indexes */
} asked[] = {
    {"{\"phrase\":\"film 8\",\"by\":\"words\"}", true, false, false},
    {"{\"phrase\":\"film\",\"by\":\"words\",\"find\":\"captions\"}", true, false,
     false},
    {"{\"phrase\":\"film\",\"by\":\"words\",\"find\":\"cases\"}", true, false, false},
    {"{\"phrase\":\"film\",\"by\":\"words\",\"filter\":\"modality=CT\"}", true, false,
     false},
    {"{\"phrase\":\"film\",\"by\":\"words\",\"collapse\":0.2}", true, true, false},
    {"{\"phrase\":\"film\",\"by\":\"words\",\"collapse\":0.2,\"find\":\"captions\"}",
     true, false, true},
    {"{\"phrase\":\"film\",\"by\":\"meaning\"}", true, true, false},
    {"{\"phrase\":\"film\",\"by\":\"meaning\",\"find\":\"captions\"}", true, false,
     true},
    {"{\"phrase\":\"film\",\"by\":\"meaning\",\"find\":\"cases\"}", true, true, false},
    {"{\"phrase\":\"film 8\"}", true, true, true},
    {"{\"phrase\":\"film 8\",\"find\":\"captions\"}", true, false, true},
    {"{\"phrase\":\"film 8\",\"find\":\"cases\"}", true, true, true},
    {"{\"like\":3}", true, true, false},
    {"{\"like\":3,\"find\":\"captions\"}", true, false, true},
    {"{\"like\":3,\"without\":\"x\",\"filter\":\"modality=CT\"}", true, true, false},
    {"{\"like\":3,\"collapse\":0.2}", true, true, false},
    {"{\"image\":\"%s\",\"min_score\":0}", true, true, false},
    {"{\"like\":3,\"classify\":\"left, right\"}", true, true, false},
    {"{\"image\":\"%s\",\"classify\":\"left, right\"}", false, false, false},
    {"{\"image\":[\"%s\",\"%s\"],\"classify\":\"left, right\"}", false, false, false},
    {"{\"phrase\":\"a\",\"phrases\":[\"b\",\"c\"]}", false, false, false},
    {"{\"like\":3,\"phrases\":[\"b\",\"c\"]}", true, false, false},
    {"{\"phrase\":\"film\",\"embed\":true}", false, false, false},
    {"{\"image\":\"%s\",\"embed\":true}", false, false, false},
    {"{\"duplicates\":0.3}", true, true, false},
    {"{\"evaluate\":true}", true, true, true},
};
enum { N_ASKED = sizeof asked / sizeof *asked };

static const char *question(size_t i)
{
    static char text[512];
    size_t n = 0;
    for (const char *p = asked[i].question; *p; p++) {
        if (*p == '%' && p[1] == 's')
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", film), p++;
        else
            text[n++] = *p;
    }
    text[n] = '\0';
    return text;
}

/* ---- indexes --------------------------------------------------------------------- */

static void an_index_is_loaded_when_a_question_needs_it(void **state)
{
    (void)state;
    char *healthy[N_ASKED];
    for (size_t i = 0; i < N_ASKED; i++)
        healthy[i] = ask_fresh(question(i));
    spoil(PF_INDEX_IMAGES, 1);
    spoil(PF_INDEX_CAPTIONS, 1);
    for (size_t i = 0; i < N_ASKED; i++) {
        pf_engine *e = open_engine();
        pf_reader *r = open_reader(e);
        assert_int_equal(n_told(), 0);
        expect(r, question(i), healthy[i]); /* the database has all of it, too */
        const size_t images = n_notes_of(PF_INDEX_IMAGES, 1),
                     captions = n_notes_of(PF_INDEX_CAPTIONS, 1);
        if (images != asked[i].images || captions != asked[i].captions)
            fail_msg("%s loads %zu of images, %zu of captions", question(i), images,
                     captions);
        expect(r, question(i), healthy[i]);
        assert_int_equal(n_told(), images + captions); /* told once */
        pf_reader_close(r);
        pf_engine_close(e);
        forget();
        pf_free(healthy[i]);
    }
}

/* Looking around needs neither an index nor a model. */
static void looking_around_loads_nothing(void **state)
{
    (void)state;
    spoil(PF_INDEX_IMAGES, 1);
    spoil(PF_INDEX_CAPTIONS, 1);
    pf_tree_remove(model);
    pf_engine *e = open_engine();
    pf_reader *r = open_reader(e);
    pf_catalog_info info = PF_CATALOG_INFO_INIT;
    pf_facets *facets;
    pf_image *image;
    pf_case *found;
    assert_ok(pf_reader_get_info(r, &info, &err), &err);
    assert_int_equal(info.dim, DIM);
    assert_int_equal(info.images, IMAGES);
    assert_int_equal(pf_view_count(r->view, PF_INDEX_IMAGES), IMAGES);
    assert_int_equal(pf_view_count(r->view, PF_INDEX_CAPTIONS), info.captions);
    assert_ok(pf_reader_get_facets(r, NULL, 0, &facets, &err), &err);
    assert_ok(pf_reader_find_image(r, 3, &image, &err), &err);
    assert_ok(pf_reader_find_case(r, 1, &found, &err), &err);
    assert_int_equal(n_told(), 0);
    pf_facets_free(facets);
    pf_image_free(image);
    pf_case_free(found);
    pf_reader_close(r);
    pf_engine_close(e);
}

static void an_index_is_shared_by_readers(void **state)
{
    (void)state;
    spoil(PF_INDEX_IMAGES, 1);
    pf_engine *e = open_engine();
    pf_reader *r[3];
    const pf_vindex *index[3];
    const pf_view *view = NULL;
    for (int i = 0; i < 3; i++) {
        r[i] = open_reader(e);
        assert_ok(pf_reader_get_index(r[i], PF_INDEX_IMAGES, &index[i], &err), &err);
        assert_ptr_equal(index[i], index[0]);
        assert_true(!view || r[i]->view == view);
        view = r[i]->view;
        pf_reader_close(i == 0 ? r[i] : NULL); /* who loaded it need not stay */
    }
    assert_int_equal(pf_vindex_count(index[0]), IMAGES);
    assert_int_equal(n_told(), 1);
    pf_reader_close(r[1]);
    pf_reader_close(r[2]);
    pf_engine_close(e);
}

/* Damage that is found in the middle of a question: in codes, which every search reads,
 * and behind the middle of the file, among vectors. Told once; the answer is the same.
 */
static void damage_that_is_found_late_changes_no_answer(void **state)
{
    (void)state;
    enum { MANY = 2000, CODES = 20000, VECTORS = 200000 };
    static const char *const questions[] = {
        "{\"like\":7,\"limit\":5}", "{\"like\":7,\"limit\":5,\"collapse\":0.9}",
        "{\"duplicates\":0.999}", "{\"like\":7,\"limit\":1999}"};
    publish_with(model, MANY);
    const int64_t generation = 2;
    pf_vfile_check_up_to(0);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        const long places[] = {CODES, VECTORS};
        char *healthy = ask_fresh(questions[i]);
        for (size_t k = 0; k < 2; k++) {
            spoil_at(PF_INDEX_IMAGES, generation, places[k]);
            pf_engine *e = open_engine();
            pf_reader *r = open_reader(e);
            expect(r, questions[i], healthy);
            const size_t told_once = n_notes_of(PF_INDEX_IMAGES, generation);
            assert_true(told_once <= 1 && (told_once == 1 || (i < 2) == (k == 1)));
            expect(r, questions[i], healthy);
            assert_int_equal(n_told(), told_once);
            pf_reader_close(r);
            pf_engine_close(e);
            forget();
            mend(PF_INDEX_IMAGES, generation, places[k]);
        }
        pf_free(healthy);
    }
    pf_vfile_check_up_to(4 << 20);
}

/* What is held open since can be read, whatever has become of its name. */
static void files_are_held_from_the_start(void **state)
{
    (void)state;
    static const char asking[] = "{\"phrase\":\"film 8\",\"limit\":50}";
    char *healthy = ask_fresh(asking);
    pf_engine *e = open_engine();
    pf_reader *r = open_reader(e);
    delete_index(PF_INDEX_IMAGES, 1);
    delete_index(PF_INDEX_CAPTIONS, 1);
    expect(r, asking, healthy);
    assert_int_equal(n_told(), 0);
    pf_reader_close(r);
    pf_engine_close(e);

    /* Who comes later has to make do with the database. */
    e = open_engine();
    r = open_reader(e);
    expect(r, asking, healthy);
    assert_int_equal(n_told(), 2);
    assert_int_equal(n_notes_of(PF_INDEX_IMAGES, 1), 1);
    assert_int_equal(n_notes_of(PF_INDEX_CAPTIONS, 1), 1);
    assert_non_null(strstr(told[PF_NOTE_CATALOG].line[0], "there is no index file"));
    assert_non_null(strstr(told[PF_NOTE_CATALOG].line[0], "run plainfilm-index"));
    pf_reader_close(r);
    pf_engine_close(e);
    pf_free(healthy);
}

static void a_damaged_background_is_told_once(void **state)
{
    (void)state;
    static const char asking[] = "{\"phrase\":\"film 8\",\"by\":\"meaning\"}";
    char *healthy = ask_fresh(asking); /* too small a catalog for percentiles */
    pf_rows_run_script(folder, "UPDATE background SET counts = substr(counts, 2)"
                               " WHERE kind = 'caption-image'");
    pf_engine *e = open_engine();
    for (int i = 0; i < 2; i++) {
        pf_reader *r = open_reader(e);
        expect(r, asking, healthy);
        pf_reader_close(r);
    }
    pf_engine_close(e);
    assert_int_equal(n_told(), 1);
    assert_int_equal(told[PF_NOTE_CATALOG].count, 1);
    assert_non_null(strstr(told[PF_NOTE_CATALOG].line[0], "percentiles are not known"));
    pf_free(healthy);
}

/* ---- models ---------------------------------------------------------------------- */

static void towers_are_opened_one_by_one(void **state)
{
    (void)state;
    char away[96], of_picture[256];
    static const char of_phrase[] = "{\"phrase\":\"a\",\"by\":\"meaning\"}";
    snprintf(away, sizeof away, "%s/away", root);
    snprintf(of_picture, sizeof of_picture, "{\"image\":\"%s\"}", film);
    for (int i = 0; i < 2; i++) {
        const char *first = i == 0 ? of_phrase : of_picture,
                   *second = i == 0 ? of_picture : of_phrase;
        pf_engine *e = open_engine();
        pf_reader *r = open_reader(e);
        char *answer = ask(r, first);
        assert_int_equal(rename(model, away), 0);
        expect(r, first, answer);
        refuse(r, second, PF_ERR_NOT_FOUND, "the model of catalog");
        pf_reader *other = open_reader(e); /* has the first one, too */
        expect(other, first, answer);
        refuse(other, second, PF_ERR_NOT_FOUND, model);
        assert_int_equal(rename(away, model), 0);
        pf_free(ask(r, second));
        assert_int_equal(rename(model, away), 0);
        pf_free(ask(other, second));
        assert_int_equal(rename(away, model), 0);
        pf_free(answer);
        pf_reader_close(r);
        pf_reader_close(other);
        pf_engine_close(e);
    }
}

static const pf_model *tower_of(pf_reader *r, unsigned tower)
{
    const pf_model *m;
    assert_ok(pf_reader_get_model(r, tower, &m, &err), &err);
    return m;
}

static void models_outlive_a_publish(void **state)
{
    (void)state;
    pf_engine *e = open_engine();
    pf_reader *old = open_reader(e), *r = open_reader(e);
    const pf_model *text = tower_of(r, PF_CLIP_TEXT),
                   *image = tower_of(r, PF_CLIP_IMAGE);
    pf_embedder *embedder;
    assert_ptr_equal(tower_of(old, PF_CLIP_TEXT), text);
    assert_ptr_equal(tower_of(old, PF_CLIP_IMAGE), image);
    assert_ok(pf_reader_get_embedder(r, PF_CLIP_TEXT, &embedder, &err), &err);
    pf_models *models = pf_view_models(r->view);
    const pf_view *view = r->view;
    publish(MORE);
    assert_ok(pf_reader_refresh(r, &err), &err);
    assert_ptr_not_equal(r->view, view);
    assert_ptr_equal(pf_view_models(r->view), models);
    assert_ptr_equal(pf_view_models(old->view), models);
    assert_ptr_equal(tower_of(r, PF_CLIP_TEXT), text);
    assert_ptr_equal(tower_of(r, PF_CLIP_IMAGE), image);
    pf_embedder *again;
    assert_ok(pf_reader_get_embedder(r, PF_CLIP_TEXT, &again, &err), &err);
    assert_ptr_equal(again, embedder);
    pf_reader_close(old);
    pf_reader_close(r);
    pf_engine_close(e);
}

/* The same model with one weight changed. */
static const char *write_other_model(void)
{
    static char path[96];
    char weights[160];
    snprintf(path, sizeof path, "%s/other", root);
    snprintf(weights, sizeof weights, "%s/model.safetensors", path);
    write_model(path);
    FILE *f = fopen(weights, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, -2, SEEK_END), 0);
    assert_true(fputc(0x11, f) != EOF && fclose(f) == 0);
    return path;
}

static void another_model_is_another_one(void **state)
{
    (void)state;
    char asking[256];
    snprintf(asking, sizeof asking, "{\"image\":\"%s\",\"embed\":true}", film);
    pf_engine *e = open_engine();
    pf_reader *old = open_reader(e), *r = open_reader(e);
    const pf_model *text = tower_of(old, PF_CLIP_TEXT);
    char *before_it = ask(r, asking);
    publish_with(write_other_model(), IMAGES);
    assert_ok(pf_reader_refresh(r, &err), &err);
    char *after_it = ask_fresh(asking);
    assert_string_not_equal(before_it, after_it);
    assert_ptr_not_equal(pf_view_models(r->view), pf_view_models(old->view));
    assert_ptr_not_equal(tower_of(r, PF_CLIP_TEXT), text);
    expect(r, asking, after_it);
    /* Who stays behind has his own, and towers that nobody needed before. */
    assert_ptr_equal(tower_of(old, PF_CLIP_TEXT), text);
    expect(old, asking, before_it);
    assert_non_null(tower_of(old, PF_CLIP_IMAGE));
    assert_ok(pf_reader_refresh(old, &err), &err);
    assert_ptr_equal(pf_view_models(r->view), pf_view_models(old->view));
    expect(old, asking, after_it);
    pf_free(before_it);
    pf_free(after_it);
    pf_reader_close(old);
    pf_reader_close(r);
    pf_engine_close(e);
}

static void the_notice_is_told_once(void **state)
{
    (void)state;
    static char config[1 << 16];
    char path[160], with_notice[sizeof config + 64];
    snprintf(path, sizeof path, "%s/config.json", model);
    const size_t n = pf_tree_read(path, config, sizeof config - 1);
    config[n] = '\0';
    snprintf(with_notice, sizeof with_notice,
             "{\"plainfilm_notice\": \"made of noise\",%s", strchr(config, '{') + 1);
    pf_tree_write_text(path, with_notice);
    pf_engine *e = open_engine();
    pf_reader *r = open_reader(e), *other = open_reader(e);
    assert_int_equal(n_told(), 0);
    tower_of(r, PF_CLIP_TEXT);
    tower_of(r, PF_CLIP_IMAGE);
    tower_of(other, PF_CLIP_TEXT);
    publish(MORE);
    assert_ok(pf_reader_refresh(r, &err), &err);
    tower_of(r, PF_CLIP_TEXT);
    assert_int_equal(told[PF_NOTE_NOTICE].count, 1);
    assert_string_equal(told[PF_NOTE_NOTICE].line[0], "made of noise");
    assert_int_equal(n_told(), 1);
    pf_reader_close(r);
    pf_reader_close(other);
    pf_engine_close(e);
}

static void a_model_alone_is_enough_for_some(void **state)
{
    (void)state;
    pf_engine_options options = {.has_no_catalog = true, .model = model};
    pf_engine *e = open_engine_with(options);
    pf_reader *r = open_reader(e);
    assert_string_equal(pf_engine_folder(e), "");
    assert_int_equal(pf_reader_generation(r), 0);
    assert_ok(pf_reader_refresh(r, &err), &err);
    pf_catalog_info info = PF_CATALOG_INFO_INIT;
    pf_facets *facets;
    assert_refused(pf_reader_get_info(r, &info, &err), &err, "a model only");
    assert_refused(pf_reader_get_facets(r, NULL, 0, &facets, &err), &err,
                   "a model only");
    assert_int_equal(err.code, PF_ERR_MISUSE);
    /* The rest is answered as with a catalog of this model. */
    size_t n_answered = 0;
    for (size_t i = 0; i < N_ASKED; i++) {
        if (!asked[i].needs_catalog) {
            char *with_catalog = ask_fresh(question(i));
            expect(r, question(i), with_catalog);
            pf_free(with_catalog);
            n_answered++;
        } else {
            refuse(r, question(i), PF_ERR_MISUSE, "needs a catalog");
        }
    }
    assert_true(n_answered == 5);
    assert_int_equal(n_told(), 0);
    pf_reader_close(r);
    pf_engine_close(e);
}

/* ---- options --------------------------------------------------------------------- */

static void refuse_options(const pf_engine_options *options, pf_code code,
                           const char *words)
{
    pf_engine *e = (pf_engine *)(uintptr_t)1;
    err = (pf_err)PF_ERR_INIT;
    assert_refused(pf_engine_open(&e, options, &err), &err, words);
    assert_int_equal(err.code, code);
    assert_null(e);
    err = (pf_err)PF_ERR_INIT;
}

static void options_are_checked(void **state)
{
    (void)state;
    pf_engine_options o = PF_ENGINE_OPTIONS_INIT;
    o.has_no_catalog = true;
    refuse_options(&o, PF_ERR_MISUSE, "a model must be named");
    o = (pf_engine_options)PF_ENGINE_OPTIONS_INIT;
    o.catalog = folder;
    o.preprocess = "clip";
    refuse_options(&o, PF_ERR_MISUSE, "preprocessing is the catalog's own");
    o.preprocess = NULL;
    o.catalog = root;
    refuse_options(&o, PF_ERR_NOT_FOUND, root);
    o.struct_size = 0;
    refuse_options(&o, PF_ERR_MISUSE, "PF_ENGINE_OPTIONS_INIT");
    o.struct_size = sizeof o + 8;
    refuse_options(&o, PF_ERR_MISUSE, "PF_ENGINE_OPTIONS_INIT");
}

/* A program that was built when there was less of the struct has garbage behind it. */
static void options_may_be_of_an_older_header(void **state)
{
    (void)state;
    pf_engine_options o;
    memset(&o, 0x5A, sizeof o);
    o.struct_size = offsetof(pf_engine_options, model);
    o.catalog = folder;
    pf_engine *e;
    assert_ok(pf_engine_open(&e, &o, &err), &err);
    assert_string_equal(pf_engine_folder(e), folder);
    spoil(PF_INDEX_IMAGES, 1); /* there would be something to tell */
    pf_reader *r = open_reader(e);
    pf_free(ask(r, "{\"phrase\":\"film 8\"}"));
    pf_reader_close(r);
    pf_engine_close(e);
}

/* More than there can be end the process, in OpenMP. */
static void threads_have_a_limit(void **state)
{
    (void)state;
    char *expected = ask_fresh("{\"like\":3}");
    const int asked_for[] = {INT_MIN, 2, INT_MAX};
    for (size_t i = 0; i < 3; i++) {
        pf_engine *e =
            open_engine_with((pf_engine_options){.search_threads = asked_for[i]});
        pf_reader *r = open_reader(e);
        expect(r, "{\"like\":3}", expected);
        pf_reader_close(r);
        pf_engine_close(e);
    }
    pf_free(expected);
}

static void options_are_copied(void **state)
{
    (void)state;
    char where[96], which[96], names[96];
    snprintf(where, sizeof where, "%s", folder);
    snprintf(which, sizeof which, "%s", model);
    snprintf(names, sizeof names, "%s/names.txt", root);
    pf_tree_write_text(names, "legend = caption\n");
    pf_engine_options o = PF_ENGINE_OPTIONS_INIT;
    o.catalog = where;
    o.model = which;
    o.synonyms = names;
    pf_engine *e;
    assert_ok(pf_engine_open(&e, &o, &err), &err);
    memset(where, 'x', sizeof where);
    memset(which, 'x', sizeof which);
    memset(names, 'x', sizeof names);
    pf_reader *r = open_reader(e);
    assert_string_equal(pf_engine_folder(e), folder);
    char *json = ask(r, "{\"phrase\":\"legend\",\"by\":\"words\"}");
    assert_non_null(strstr(json, "caption of film"));
    pf_free(json);
    pf_free(ask(r, "{\"phrase\":\"legend\",\"by\":\"meaning\"}"));
    pf_reader_close(r);
    pf_engine_close(e);
}

static void the_default_catalog_is_that_of_the_environment(void **state)
{
    (void)state;
    pf_engine_options o = PF_ENGINE_OPTIONS_INIT;
    pf_engine *e;
    assert_int_equal(setenv("PLAINFILM_CATALOG", folder, 1), 0);
    assert_ok(pf_engine_open(&e, &o, &err), &err);
    assert_string_equal(pf_engine_folder(e), folder);
    pf_engine_close(e);
    assert_int_equal(unsetenv("PLAINFILM_CATALOG"), 0);
}

/* ---- generations ----------------------------------------------------------------- */

static const char everything[] = "{\"like\":3,\"limit\":100}";

static void readers_stay_until_they_are_told(void **state)
{
    (void)state;
    pf_engine *e = open_engine();
    pf_reader *old = open_reader(e), *r = open_reader(e);
    char *first = ask_fresh(everything);
    expect(r, everything, first);
    const pf_view *view = r->view;
    const pf_vindex *index, *again;
    assert_ok(pf_reader_get_index(r, PF_INDEX_IMAGES, &index, &err), &err);
    assert_ok(pf_reader_refresh(r, &err), &err); /* nothing new */
    assert_int_equal(pf_reader_generation(r), 1);
    assert_ptr_equal(r->view, view);

    publish(MORE);
    char *second = ask_fresh(everything);
    assert_string_not_equal(first, second);
    assert_int_equal(pf_reader_generation(r), 1);
    expect(r, everything, first);
    assert_ok(pf_reader_refresh(r, &err), &err);
    assert_int_equal(pf_reader_generation(r), 2);
    expect(r, everything, second);
    assert_ok(pf_reader_get_index(r, PF_INDEX_IMAGES, &again, &err), &err);
    assert_int_equal(pf_vindex_count(again), MORE);

    pf_reader *late = open_reader(e);
    assert_int_equal(pf_reader_generation(late), 2);
    assert_ptr_equal(late->view, r->view);
    expect(late, everything, second);

    /* The one that stayed behind: rows, index and what was not loaded before. */
    assert_int_equal(pf_reader_generation(old), 1);
    assert_ptr_equal(old->view, view);
    expect(old, everything, first);
    assert_ok(pf_reader_get_index(old, PF_INDEX_CAPTIONS, &index, &err), &err);
    assert_int_equal(pf_vindex_count(index),
                     pf_view_count(old->view, PF_INDEX_CAPTIONS));
    pf_catalog_info info = PF_CATALOG_INFO_INIT;
    assert_ok(pf_reader_get_info(old, &info, &err), &err);
    assert_int_equal(info.images, IMAGES);
    assert_int_equal(info.generation, 1);
    pf_image *image;
    assert_ok(pf_reader_find_image(old, MORE, &image, &err), &err);
    assert_null(image);
    assert_int_equal(n_told(), 0);
    pf_free(first);
    pf_free(second);
    pf_reader_close(old);
    pf_reader_close(r);
    pf_reader_close(late);
    pf_engine_close(e);
}

/* An answer owns what it has: it outlives reader, generation and engine. */
static void answers_outlive_their_generation(void **state)
{
    (void)state;
    pf_engine *e = open_engine();
    pf_reader *r = open_reader(e);
    pf_request *request;
    pf_answer *answer;
    assert_ok(pf_request_new(&request, &err) &&
                  pf_request_add_like(request, "3", 1, &err) &&
                  pf_reader_ask(r, request, NULL, &answer, &err),
              &err);
    pf_request_free(request);
    publish(MORE);
    assert_ok(pf_reader_refresh(r, &err), &err);
    pf_reader_close(r);
    pf_engine_close(e);
    char *json;
    assert_ok(pf_answer_get_json(answer, &json, NULL, &err), &err);
    assert_non_null(strstr(json, pf_answer_hit(answer, 0)->path));
    assert_int_equal(pf_answer_get_about(answer)->generation, 1);
    pf_free(json);
    pf_answer_free(answer);
}

/* Who has a snapshot of a generation that others have left goes on to theirs. */
static void generations_never_go_back(void **state)
{
    (void)state;
    pf_engine *e = open_engine();
    pf_reader *r = open_reader(e);
    pf_catalog *behind;
    pf_view *view;
    assert_ok(pf_catalog_open_reader(&behind, folder, &err), &err);
    publish(MORE);
    assert_ok(pf_reader_refresh(r, &err), &err);
    assert_int_equal(pf_catalog_generation(behind), 1);
    assert_ok(pf_engine_get_view(e, behind, &view, &err), &err);
    assert_int_equal(pf_catalog_generation(behind), 2);
    assert_int_equal(pf_view_generation(view), 2);
    assert_ptr_equal(view, r->view);
    pf_view_unref(view);
    pf_catalog_close(behind);

    pf_reader_close(r);
    pf_engine_close(e);
}

/* In the same place, with generations of its own: of the same number as the one before
 * it, or of a lower one. */
static void a_catalog_made_anew_is_another_one(void **state)
{
    (void)state;
    for (int n_published = 1; n_published <= 2; n_published++) {
        pf_tree_remove(folder);
        publish(IMAGES);
        if (n_published == 2)
            publish(IMAGES);
        pf_engine *e = open_engine();
        pf_reader *r = open_reader(e), *idle = open_reader(e);
        char *first = ask(r, everything);
        tower_of(r, PF_CLIP_TEXT);
        pf_tree_remove(folder);
        assert_ok(pf_reader_refresh(r, &err), &err); /* all it has is still there */
        expect(r, everything, first);

        publish_with(write_other_model(), MORE);
        char *second = ask_fresh(everything);
        assert_string_not_equal(first, second);
        pf_reader *late = open_reader(e);
        expect(late, everything, second);
        expect(r, everything, first);
        assert_true(pf_reader_edition(r) == pf_reader_edition(idle));
        assert_true(pf_reader_edition(r) != pf_reader_edition(late));
        assert_ok(pf_reader_refresh(r, &err), &err);
        expect(r, everything, second);
        assert_true(pf_reader_edition(r) == pf_reader_edition(late));
        assert_true(pf_reader_edition(r) != pf_reader_edition(idle));
        assert_int_equal(pf_reader_generation(r), 1);
        assert_ptr_equal(r->view, late->view);
        assert_ptr_equal(tower_of(r, PF_CLIP_TEXT), tower_of(late, PF_CLIP_TEXT));
        expect(idle, everything, first);
        pf_free(first);
        pf_free(second);
        pf_reader_close(r);
        pf_reader_close(late);
        pf_reader_close(idle);
        pf_engine_close(e);
    }
}

static void readers_beside_are_of_one_generation(void **state)
{
    (void)state;
    pf_engine *e = open_engine();
    pf_reader *r = open_reader(e), *beside;
    assert_ok(pf_reader_open_beside(&beside, r, &err), &err);
    assert_non_null(beside);
    assert_ptr_equal(beside->view, r->view);
    pf_reader_close(beside);
    publish(MORE);
    assert_ok(pf_reader_open_beside(&beside, r, &err), &err);
    assert_null(beside);
    assert_ok(pf_reader_refresh(r, &err), &err);
    assert_ok(pf_reader_open_beside(&beside, r, &err), &err);
    assert_non_null(beside);
    pf_reader_close(beside);
    pf_reader_close(r);
    pf_engine_close(e);
}

/* Nobody asks the engine's own reader, which must not keep it at a generation. */
static void the_first_reader_is_at_the_newest_generation(void **state)
{
    (void)state;
    pf_engine *e = open_engine();
    publish(MORE);
    pf_reader *r = open_reader(e);
    assert_int_equal(pf_reader_generation(r), 2);
    pf_reader_close(r);
    pf_engine_close(e);
    e = open_engine(); /* and when nobody comes at all */
    pf_engine_close(e);
}

static void a_failed_refresh_changes_nothing(void **state)
{
    (void)state;
    pf_engine *e = open_engine();
    pf_reader *r = open_reader(e);
    char *first = ask(r, everything);
    pf_rows_run_script(folder, "UPDATE catalog SET generation = 0");
    assert_refused(pf_reader_refresh(r, &err), &err, "is empty");
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    assert_int_equal(pf_reader_generation(r), 1);
    /* There is nothing to read; as soon as there is, all goes on. */
    refuse(r, everything, PF_ERR_NOT_FOUND, "is empty");
    pf_catalog_info info = PF_CATALOG_INFO_INIT;
    assert_refused(pf_reader_get_info(r, &info, &err), &err, "is empty");
    pf_rows_run_script(folder, "UPDATE catalog SET generation = 1");
    expect(r, everything, first);
    pf_free(first);
    pf_reader_close(r);
    pf_engine_close(e);
}

/* ---- memory ---------------------------------------------------------------------- */

static void a_refresh_without_memory_can_be_repeated(void **state)
{
    (void)state;
    pf_engine *e = open_engine();
    pf_reader *r = open_reader(e), *other = open_reader(e);
    char *first = ask(r, everything);
    publish(MORE);
    char *second = ask_fresh(everything);
    bool ok = false;
    long n = 1;
    for (; !ok; n++) {
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        ok = pf_reader_refresh(r, &err);
        pf_mem_fail_at(0);
        assert_int_equal(err.code, ok ? PF_OK : PF_ERR_NOMEM);
        assert_int_equal(pf_reader_generation(r), ok ? 2 : 1);
        assert_true(n < 1000);
    }
    assert_true(n > 5);
    expect(r, everything, second);

    /* The other one fails once, and is asked at once. */
    expect(other, everything, first);
    pf_mem_fail_at(1);
    ok = pf_reader_refresh(other, &err);
    pf_mem_fail_at(0);
    if (!ok)
        assert_int_equal(pf_reader_generation(other), 1);
    expect(other, everything, second);
    assert_int_equal(pf_reader_generation(other), 2);
    pf_free(first);
    pf_free(second);
    pf_reader_close(r);
    pf_reader_close(other);
    pf_engine_close(e);
}

/* Engine, reader and answer, while the n-th allocation fails; then the same question
 * once more, of whatever is there. */
static bool ask_without_memory(const char *text, long n, const char *expected)
{
    pf_engine_options o = PF_ENGINE_OPTIONS_INIT;
    pf_engine *e = NULL;
    pf_reader *r = NULL;
    char *json = NULL;
    o.catalog = folder;
    err = (pf_err)PF_ERR_INIT;
    pf_mem_fail_at(n);
    if (pf_engine_open(&e, &o, &err) && pf_reader_open(&r, e, &err))
        json = pf_asking_ask(r, text, &err);
    pf_mem_fail_at(0);
    if (!json && err.code != PF_ERR_NOMEM)
        fail_msg("%s, allocation %ld: %s", text, n, err.msg);
    const bool ok = json != NULL;
    if (ok)
        assert_string_equal(json, expected);
    pf_free(json);
    if (r)
        expect(r, text, expected);
    pf_reader_close(r);
    pf_engine_close(e);
    return ok;
}

/* Each of the first allocations, then fewer and fewer: a model makes thousands. */
static void each_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ASKED; i++) {
        char *expected = ask_fresh(question(i));
        long n = 1;
        while (!ask_without_memory(question(i), n, expected)) {
            n += 1 + n / 12;
            assert_true(n < 1000000);
        }
        assert_true(n > 30);
        pf_free(expected);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_index_is_loaded_when_a_question_needs_it),
        TEST(looking_around_loads_nothing),
        TEST(an_index_is_shared_by_readers),
        TEST(files_are_held_from_the_start),
        TEST(damage_that_is_found_late_changes_no_answer),
        TEST(a_damaged_background_is_told_once),
        TEST(towers_are_opened_one_by_one),
        TEST(models_outlive_a_publish),
        TEST(another_model_is_another_one),
        TEST(the_notice_is_told_once),
        TEST(a_model_alone_is_enough_for_some),
        TEST(options_are_checked),
        TEST(options_may_be_of_an_older_header),
        TEST(threads_have_a_limit),
        TEST(options_are_copied),
        TEST(the_default_catalog_is_that_of_the_environment),
        TEST(readers_stay_until_they_are_told),
        TEST(answers_outlive_their_generation),
        TEST(generations_never_go_back),
        TEST(a_catalog_made_anew_is_another_one),
        TEST(readers_beside_are_of_one_generation),
        TEST(the_first_reader_is_at_the_newest_generation),
        TEST(a_failed_refresh_changes_nothing),
        TEST(a_refresh_without_memory_can_be_repeated),
        TEST(each_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
