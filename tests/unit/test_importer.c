/* test_importer.c - whole runs over a source that is no folder: a made-up server whose
 * files lie elsewhere and have several frames, with a case that has a caption. Its
 * importer takes the place of all others in this program. */
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/search/search.h"
#include "indexer/importers.h"
#include "indexer/run.h"
#include "tests/support/asking.h"
#include "tests/support/films.h"
#include "tests/unit/test_support.h"

enum { FILES = 2, DIM_MAX = 64 };

static pf_err err;
static pf_run_options options;
static pf_run_report report;

/* ---- the server ---- */

static struct {
    const char *file[FILES];
    int frames; /* that it says there are in each of them */
    bool is_away;
    int n_first; /* files that "test:server" names; any other server names all */
    const char *case_caption;
} server;

static bool is_server(const char *path)
{
    return strncmp(path, "test:", 5) == 0;
}

static bool take_file(pf_collection *to, const char *path, pf_subject study, pf_err *e)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    for (int frame = 0; frame < server.frames; frame++) {
        const pf_collected_image image = {
            .path = path,
            .frame = frame,
            .size = st.st_size,
            .mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec};
        pf_subject out;
        if (!pf_collection_add_image(to, &image, &out, e))
            return false;
        pf_collection_put_into_case(to, out, study);
    }
    return true;
}

static bool ask_server(const pf_import *from, pf_collection *to, pf_err *e)
{
    const char *text = server.case_caption;
    pf_err why = PF_ERR_INIT;
    pf_subject study;
    if (server.is_away) {
        pf_fail(&why, PF_ERR_IO, "the server does not answer");
        return pf_import_is_away(from, to, &why, e);
    }
    to->texts_hash = pf_hash_bytes(text, strlen(text));
    bool ok = pf_collection_add_case(to, "1.2.3", "A study", &study, e) &&
              pf_collection_add_caption(to, study, text, e) &&
              pf_collection_add_attribute(to, study, "modality", "CT", e);
    const int n = strcmp(from->path, "test:server") == 0 ? server.n_first : FILES;
    for (int i = n - 1; ok && i >= 0; i--)
        ok = take_file(to, pf_films_path("%s", server.file[i]), study, e);
    return ok;
}

static const pf_importer test_importer = {
    .name = "test", .recognises = is_server, .read = ask_server};

const pf_importer *pf_importer_for(const char *path)
{
    return is_server(path) ? &test_importer : NULL;
}

const pf_importer *pf_importer_named(const char *name)
{
    return strcmp(name, test_importer.name) == 0 ? &test_importer : NULL;
}

/* ---- runs ---- */

static int before(void **state)
{
    (void)state;
    static const char *const path = "test:server";
    err = (pf_err)PF_ERR_INIT;
    report = (pf_run_report){0};
    server.file[0] = "spool/a.pgm";
    server.file[1] = "spool/b.pgm";
    server.frames = 1;
    server.is_away = false;
    server.n_first = FILES;
    server.case_caption = "a nodule in the left lung";
    pf_films_make();
    pf_films_model();
    for (unsigned i = 0; i < FILES; i++)
        pf_films_picture(server.file[i], i);
    pf_films_options(&options);
    options.paths = &path;
    options.n_paths = 1;
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_run_report_reset(&report);
    pf_films_remove();
    return 0;
}

/* A run that ends with these counts, and leaves a catalog in order. */
static void expect_at(int line, size_t added, size_t moved, size_t removed,
                      size_t unchanged, size_t failed)
{
    pf_run_report_reset(&report);
    if (!pf_run(&options, &report, NULL, &err))
        fail_msg("line %d: %s", line, err.msg);
    if (report.added != added || report.moved != moved || report.removed != removed ||
        report.unchanged != unchanged || report.failed != failed)
        fail_msg(
            "line %d: %zu added, %zu moved, %zu removed, %zu unchanged, %zu failed",
            line, report.added, report.moved, report.removed, report.unchanged,
            report.failed);
    if (pf_films_check())
        fail_msg("line %d: %s", line, pf_films_check());
}
#define expect(...) expect_at(__LINE__, __VA_ARGS__)

static void expect_refusal(const char *words)
{
    pf_run_report_reset(&report);
    assert_refused(pf_run(&options, &report, NULL, &err), &err, words);
}

static void remembered_by_its_name(void **state)
{
    (void)state;
    expect(2, 0, 0, 0, 0);
    assert_int_equal(report.cases, 1);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM source WHERE kind = 'test' AND"
                                  " path = CAST('test:server' AS BLOB)"),
                     1);
    options.n_paths = 0;
    expect(0, 0, 0, 2, 0);
    assert_false(report.is_published);
    server.is_away = true;
    expect(0, 0, 0, 2, 1);
    assert_string_equal(report.failures[0].path, "test:server");
    assert_string_equal(report.failures[0].reason, "the server does not answer");
    assert_int_equal(pf_films_ask("SELECT count(*) FROM caption"), 1);
    options.n_paths = 1; /* named or not */
    expect(0, 0, 0, 2, 1);
    static const char *const second = "test:second";
    options.paths = &second; /* what is new has to be there */
    expect_refusal("the server does not answer");
    server.is_away = false;
    options.n_paths = 0;
    expect(0, 0, 0, 2, 0);
    assert_false(report.is_published);
    static const char *const nobodys = "other:server";
    options.paths = &nobodys;
    options.n_paths = 1;
    expect_refusal("cannot read 'other:server'");
}

/* ---- frames ---- */

/* The embedding of a frame that no decoder reads, as if one had. */
static void put_frame(const char *name, int frame)
{
    static float vector[DIM_MAX];
    const char *path = pf_films_path("%s", name);
    pf_catalog *catalog;
    pf_store_model model = {0};
    pf_buf bytes;
    int64_t id;
    pf_buf_init(&bytes, 1 << 20);
    assert_ok(pf_file_read(path, &bytes, &err), &err);
    assert_ok(pf_catalog_open_writer(&catalog, options.catalog, NULL, &err), &err);
    pf_store *store = pf_catalog_store(catalog);
    assert_ok(pf_store_find_model(store, &model, &err), &err);
    assert_true(model.dim <= DIM_MAX);
    vector[0] = 1;
    const pf_store_picture picture = {.model_id = model.id,
                                      .content = pf_hash_bytes(bytes.data, bytes.size),
                                      .frame = frame,
                                      .width = 2,
                                      .height = 2,
                                      .format = "pnm",
                                      .vector = vector};
    assert_ok(pf_store_begin(store, &err) &&
                  pf_store_put_picture(store, &picture, &id, &err) &&
                  pf_store_commit(store, &err),
              &err);
    pf_store_model_reset(&model);
    pf_catalog_close(catalog);
    pf_buf_free(&bytes);
}

static int64_t id_of(const char *name, int frame)
{
    char sql[1400];
    snprintf(sql, sizeof sql,
             "SELECT coalesce(max(id), 0) FROM image WHERE frame = %d AND"
             " path = CAST('%s' AS BLOB)",
             frame, pf_films_path("%s", name));
    return pf_films_ask(sql);
}

static void a_frame_fails_alone(void **state)
{
    (void)state;
    server.frames = 2;
    expect(2, 0, 0, 0, 2);
    assert_int_equal(report.images, 2);
    assert_non_null(strstr(report.failures[0].path, "spool/a.pgm"));
    assert_non_null(strstr(report.failures[0].reason, "frame 1: "));
    assert_int_equal(pf_films_ask("SELECT count(*) FROM failure WHERE frame = 1"), 2);
    expect(0, 0, 0, 2, 2);
    assert_false(report.is_published);
    options.retry = true; /* for the file is as it was */
    put_frame("spool/a.pgm", 1);
    expect(1, 0, 0, 2, 1);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM failure"), 1);
    assert_true(id_of("spool/a.pgm", 1) > id_of("spool/a.pgm", 0));
    server.frames = 1; /* it was no frame after all */
    expect(0, 0, 1, 2, 0);
    assert_int_equal(id_of("spool/a.pgm", 1), 0);
}

static void a_moved_file_takes_its_frames_along(void **state)
{
    (void)state;
    expect(2, 0, 0, 0, 0);
    put_frame("spool/a.pgm", 1);
    put_frame("spool/b.pgm", 1);
    server.frames = 2;
    expect(2, 0, 0, 2, 0);
    const int64_t first = id_of("spool/a.pgm", 0), second = id_of("spool/a.pgm", 1);
    pf_films_rename("spool/a.pgm", "spool/moved.pgm");
    server.file[0] = "spool/moved.pgm";
    expect(0, 2, 0, 2, 0);
    assert_int_equal(id_of("spool/moved.pgm", 0), first);
    assert_int_equal(id_of("spool/moved.pgm", 1), second);
}

/* ---- two sources over one file ---- */

static int64_t images_of(const char *source)
{
    char sql[300];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM image JOIN source ON source.id = source_id"
             " WHERE source.path = CAST('%s' AS BLOB)",
             source);
    return pf_films_ask(sql);
}

/* Whoever found it first keeps it, night after night, until it has it no longer. */
static void a_file_stays_with_its_first_source(void **state)
{
    (void)state;
    static const char *const both[] = {"test:server", "test:second"};
    options.paths = both;
    options.n_paths = 2;
    expect(2, 0, 0, 0, 0);
    assert_true(images_of("test:server") == 2 && images_of("test:second") == 0);
    options.n_paths = 0;
    for (int night = 0; night < 2; night++) {
        expect(0, 0, 0, 2, 0);
        assert_false(report.is_published);
        assert_int_equal(images_of("test:server"), 2);
    }
    options.paths = both + 1;
    options.n_paths = 1;
    expect(0, 0, 0, 0, 0);
    const int64_t id = id_of("spool/b.pgm", 0);
    server.n_first = 1;
    options.n_paths = 0;
    expect(0, 0, 0, 2, 0);
    assert_true(images_of("test:server") == 1 && images_of("test:second") == 1);
    assert_int_equal(id_of("spool/b.pgm", 0), id);
    server.n_first = FILES;
    expect(0, 0, 0, 2, 0);
    assert_int_equal(images_of("test:second"), 1);
}

/* ---- captions of a case ---- */

static pf_hits find(const char *phrase, pf_find what, pf_by by)
{
    const pf_part part = {.kind = PF_PART_PHRASE, .text = phrase, .weight = 1};
    pf_hits answer = {0};
    pf_reader *reader;
    pf_query q;
    pf_query_init(&q);
    q.parts = &part;
    q.n_parts = 1;
    q.find = what;
    q.by = by;
    assert_ok(pf_asking_open(&reader, options.catalog, NULL, NULL, &err), &err);
    assert_ok(pf_search_run(reader, &q, &answer, &err), &err);
    pf_asking_close(reader);
    return answer;
}

static void a_case_is_found_by_its_caption(void **state)
{
    (void)state;
    expect(2, 0, 0, 0, 0);
    const int64_t first = id_of("spool/a.pgm", 0);
    assert_true(first < id_of("spool/b.pgm", 0));
    assert_int_equal(report.captions, 1);
    static const pf_by by[] = {PF_BY_WORDS, PF_BY_MEANING, PF_BY_BOTH};
    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
        pf_hits a = find(server.case_caption, PF_FIND_CAPTIONS, by[i]);
        assert_int_equal(a.n_hits, 1);
        assert_string_equal(a.hits[0].caption, server.case_caption);
        assert_int_equal(a.hits[0].image_id, first);
        assert_string_equal(a.hits[0].case_title, "A study");
        pf_hits_reset(&a);
    }
    pf_hits a = find("nodule", PF_FIND_IMAGES, PF_BY_WORDS);
    assert_int_equal(a.n_hits, 1);
    assert_int_equal(a.hits[0].id, first);
    assert_string_equal(a.hits[0].attributes[0].value, "CT");
    pf_hits_reset(&a);

    server.case_caption = "a fracture of the left radius";
    expect(0, 0, 0, 0, 0); /* both updated */
    assert_true(report.is_published);
    a = find("fracture", PF_FIND_CASES, PF_BY_WORDS);
    assert_int_equal(a.n_hits, 1);
    pf_hits_reset(&a);
    assert_int_equal(pf_films_ask("SELECT count(*) FROM caption_text"), 1);
    server.case_caption = "";
    expect(0, 0, 0, 0, 0);
    assert_true(report.captions == 0 && report.cases == 1);
}

/* Only texts of images that are in the catalog are taken in; those of a case, too, when
 * the first of its images comes. */
static void a_case_comes_with_its_first_image(void **state)
{
    (void)state;
    pf_films_write_text("spool/a.pgm", "no picture");
    pf_films_write_text("spool/b.pgm", "no picture");
    expect(0, 0, 0, 0, 2);
    assert_true(report.captions == 0 && report.cases == 0);
    pf_films_picture("spool/b.pgm", 7);
    expect(1, 0, 0, 0, 1);
    assert_true(report.captions == 1 && report.cases == 1);
    options.rebuild = true;
    options.n_paths = 0;
    pf_run_report_reset(&report);
    assert_ok(pf_run(&options, &report, NULL, &err), &err);
    assert_null(pf_films_check());
    assert_true(report.captions == 1 && report.updated == 1);
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, before, after)
    const struct CMUnitTest tests[] = {
        test(remembered_by_its_name),
        test(a_frame_fails_alone),
        test(a_moved_file_takes_its_frames_along),
        test(a_file_stays_with_its_first_source),
        test(a_case_is_found_by_its_caption),
        test(a_case_comes_with_its_first_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
