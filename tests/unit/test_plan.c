/* test_plan.c - what a plan makes of a folder that has changed. The store is filled by
 * hand: nothing is embedded. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "indexer/import_folder.h"
#include "indexer/plan.h"
#include "tests/support/films.h"
#include "tests/unit/test_support.h"

static pf_err err;
static pf_store *store;
static int64_t model, other_model, source;
static char root[300];
static pf_collection found;
static pf_plan plan;

static void put_model(const char *fingerprint, int64_t *id)
{
    char text[8];
    snprintf(text, sizeof text, "%s", fingerprint);
    pf_store_model m = {.fingerprint = text,
                        .path = text,
                        .preprocess = text,
                        .description = text,
                        .stamp = text,
                        .dim = 2};
    assert_ok(pf_store_put_model(store, &m, id, &err), &err);
}

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    found = (pf_collection){0};
    plan = (pf_plan){0};
    pf_films_make();
    snprintf(root, sizeof root, "%s", pf_films_path("in"));
    for (unsigned i = 0; i < 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "in/%c.pgm", 'a' + (int)i);
        pf_films_picture(name, i);
    }
    const pf_store_source row = {.path = root, .kind = "folder"};
    assert_ok(pf_store_open(&store, pf_films_path("db"), PF_STORE_CREATE, &err) &&
                  pf_store_begin(store, &err),
              &err);
    put_model("one", &model);
    put_model("two", &other_model);
    assert_ok(pf_store_use_model(store, model, &err) &&
                  pf_store_put_source(store, &row, &source, &err),
              &err);
    return 0;
}

static int after(void **state)
{
    (void)state;
    pf_plan_reset(&plan);
    pf_collection_reset(&found);
    pf_store_close(store);
    store = NULL;
    pf_films_remove();
    return 0;
}

/* A frame of the file as it is now becomes an image of the store. */
static int64_t put_frame(const char *name, int frame)
{
    static const float vector[2] = {1, 0};
    struct stat st;
    pf_buf bytes;
    int64_t id = 0;
    const char *path = pf_films_path("%s", name);
    pf_buf_init(&bytes, 1 << 20);
    assert_int_equal(stat(path, &st), 0);
    assert_ok(pf_file_read(path, &bytes, &err), &err);
    pf_store_picture p = {.model_id = model,
                          .content = pf_hash_bytes(bytes.data, bytes.size),
                          .frame = frame,
                          .width = 1,
                          .height = 1,
                          .format = "pnm",
                          .vector = vector};
    pf_store_image image = {.source_id = source,
                            .path = path,
                            .frame = frame,
                            .size = st.st_size,
                            .mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) +
                                        st.st_mtim.tv_nsec};
    assert_ok(pf_store_put_picture(store, &p, &image.picture_id, &err) &&
                  pf_store_put_image(store, &image, &id, &err),
              &err);
    pf_buf_free(&bytes);
    return id;
}

static int64_t put(const char *name)
{
    return put_frame(name, 0);
}

static void read_folder(void)
{
    const pf_store_reading as_usual = {0};
    const pf_import from = {.path = root, .reading = &as_usual};
    pf_plan_reset(&plan);
    pf_collection_reset(&found);
    pf_collection_init(&found, root);
    assert_ok(pf_import_folder.read(&from, &found, &err), &err);
}

static void compare(int64_t model_id, bool verify)
{
    const pf_plan_options o = {.store = store,
                               .source_id = source,
                               .model_id = model_id,
                               .seen_model = model,
                               .verify_content = verify};
    pf_collection_finish(&found);
    assert_ok(pf_plan_make(&plan, &found, &o, &err), &err);
}

static void make_plan(int64_t model_id, bool verify)
{
    read_folder();
    compare(model_id, verify);
}

static const pf_plan_item *item_of(const char *name, int frame)
{
    for (size_t i = 0; i < plan.count; i++) {
        const pf_plan_item *item = &plan.items[i];
        if (item->image->frame == frame &&
            strcmp(item->image->path, pf_films_path("%s", name)) == 0)
            return item;
    }
    fail_msg("%s is not in the plan", name);
    return NULL;
}

static const pf_plan_item *item(const char *name)
{
    return item_of(name, 0);
}

static void set_time(const char *name, time_t when)
{
    struct timespec t[2] = {{when, 0}, {when, 0}};
    assert_int_equal(utimensat(AT_FDCWD, pf_films_path("%s", name), t, 0), 0);
}

static void all_new(void **state)
{
    (void)state;
    pf_films_picture("in/twin.pgm", 2); /* the same as in/c.pgm */
    make_plan(model, false);
    assert_int_equal(plan.count, 6);
    for (size_t i = 0; i < plan.count; i++) {
        assert_int_equal(plan.items[i].kind, PF_PLAN_NEW);
        assert_int_equal(plan.items[i].picture_id, 0);
        assert_true(plan.items[i].is_hashed);
    }
    assert_int_equal(item("in/c.pgm")->twin, PF_PLAN_NO_TWIN);
    assert_int_equal(item("in/twin.pgm")->twin, 2);
}

static void unchanged_touched_changed(void **state)
{
    (void)state;
    int64_t a = put("in/a.pgm"), b = put("in/b.pgm"), c = put("in/c.pgm");
    set_time("in/b.pgm", 1000);
    pf_films_picture("in/c.pgm", 77);
    set_time("in/c.pgm", 2000);
    make_plan(model, false);
    assert_int_equal(item("in/a.pgm")->kind, PF_PLAN_UNCHANGED);
    assert_int_equal(item("in/a.pgm")->image_id, a);
    assert_true(item("in/a.pgm")->picture_id != 0 && !item("in/a.pgm")->is_hashed);
    assert_int_equal(item("in/b.pgm")->kind, PF_PLAN_TOUCHED);
    assert_int_equal(item("in/b.pgm")->image_id, b);
    assert_int_equal(item("in/c.pgm")->kind, PF_PLAN_CHANGED);
    assert_int_equal(item("in/c.pgm")->image_id, c);
    assert_int_equal(item("in/c.pgm")->picture_id, 0);
    assert_int_equal(item("in/d.pgm")->kind, PF_PLAN_NEW);
    assert_int_equal(plan.n_gone, 0);
}

/* Same size, same time, other bytes: only --verify-content sees it. */
static void verify_content(void **state)
{
    (void)state;
    set_time("in/a.pgm", 1000);
    put("in/a.pgm");
    pf_films_picture("in/a.pgm", 99);
    set_time("in/a.pgm", 1000);
    make_plan(model, false);
    assert_int_equal(item("in/a.pgm")->kind, PF_PLAN_UNCHANGED);
    make_plan(model, true);
    assert_int_equal(item("in/a.pgm")->kind, PF_PLAN_CHANGED);
    assert_int_equal(item("in/a.pgm")->picture_id, 0);
}

static void moved_copied_gone(void **state)
{
    (void)state;
    int64_t a = put("in/a.pgm"), b = put("in/b.pgm"), c = put("in/c.pgm");
    pf_films_rename("in/a.pgm", "in/z.pgm"); /* moved */
    pf_films_picture("in/y.pgm", 1);         /* a copy of b */
    pf_films_delete("in/c.pgm");             /* gone */
    make_plan(model, false);
    assert_int_equal(item("in/z.pgm")->kind, PF_PLAN_MOVED);
    assert_int_equal(item("in/z.pgm")->image_id, a);
    assert_int_equal(item("in/z.pgm")->source_id, source);
    assert_int_equal(item("in/y.pgm")->kind, PF_PLAN_NEW);
    assert_int_equal(item("in/y.pgm")->picture_id, item("in/b.pgm")->picture_id);
    assert_int_equal(item("in/b.pgm")->image_id, b);
    assert_int_equal(plan.n_gone, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(plan.gone[i].is_moved, plan.gone[i].image_id == a);
    assert_true(plan.gone[0].image_id == c || plan.gone[1].image_id == c);
}

/* Two copies are gone and one of them comes up elsewhere: one is moved, one removed. */
static void twins_move_once_each(void **state)
{
    (void)state;
    pf_films_picture("in/twin.pgm", 0);
    put("in/a.pgm");
    put("in/twin.pgm");
    pf_films_delete("in/twin.pgm");
    pf_films_rename("in/a.pgm", "in/x.pgm");
    make_plan(model, false);
    assert_int_equal(item("in/x.pgm")->kind, PF_PLAN_MOVED);
    assert_int_equal(plan.n_gone, 2);
    assert_int_equal(plan.gone[0].is_moved + plan.gone[1].is_moved, 1);
    pf_films_picture("in/w.pgm", 0);
    make_plan(model, false);
    assert_int_equal(item("in/w.pgm")->kind, PF_PLAN_MOVED);
    assert_int_equal(plan.gone[0].is_moved + plan.gone[1].is_moved, 2);
    assert_true(item("in/w.pgm")->image_id != item("in/x.pgm")->image_id);
}

static void moved_and_edited(void **state)
{
    (void)state;
    put("in/a.pgm");
    pf_films_delete("in/a.pgm");
    pf_films_picture("in/x.pgm", 55);
    make_plan(model, false);
    assert_int_equal(item("in/x.pgm")->kind, PF_PLAN_NEW);
    assert_true(plan.n_gone == 1 && !plan.gone[0].is_moved);
}

/* While a model is replaced, moves are still seen by the vectors readers have. */
static void another_model(void **state)
{
    (void)state;
    int64_t a = put("in/a.pgm");
    put("in/b.pgm");
    pf_films_rename("in/a.pgm", "in/z.pgm");
    make_plan(other_model, true);
    assert_int_equal(item("in/z.pgm")->kind, PF_PLAN_MOVED);
    assert_int_equal(item("in/z.pgm")->image_id, a);
    assert_int_equal(item("in/z.pgm")->picture_id, 0); /* to be embedded anew */
    assert_int_equal(item("in/b.pgm")->kind, PF_PLAN_UNCHANGED);
    assert_int_equal(item("in/b.pgm")->picture_id, 0);
}

static void gaps_keep_what_was_known(void **state)
{
    (void)state;
    pf_films_picture("in/far/x.pgm", 50);
    put("in/a.pgm");
    put("in/far/x.pgm");
    pf_films_delete("in/far/x.pgm");
    read_folder();
    assert_ok(pf_collection_add_gap(&found, pf_films_path("in/far"), "away", &err),
              &err);
    compare(model, false);
    assert_int_equal(plan.n_kept, 1);
    assert_int_equal(plan.n_gone, 0);
}

static void unreadable_file(void **state)
{
    (void)state;
    put("in/a.pgm");
    read_folder();
    pf_films_delete("in/b.pgm"); /* new, and gone between scan and plan */
    set_time("in/a.pgm", 5000);
    compare(model, false);
    assert_non_null(strstr(item("in/b.pgm")->failure, "No such file"));
    assert_false(item("in/b.pgm")->keeps_old);
}

/* ---- frames ---- */

/* As an importer does that finds several in a file. */
static void find_frames(const char *name, int n)
{
    struct stat st;
    pf_subject ignored;
    const char *path = pf_films_path("%s", name);
    assert_int_equal(stat(path, &st), 0);
    for (int frame = n - 1; frame >= 0; frame--) {
        const pf_collected_image image = {
            .path = path,
            .frame = frame,
            .size = st.st_size,
            .mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec};
        assert_ok(pf_collection_add_image(&found, &image, &ignored, &err), &err);
    }
}

static void start_over(void)
{
    pf_plan_reset(&plan);
    pf_collection_reset(&found);
    pf_collection_init(&found, root);
}

static void each_frame_is_an_item(void **state)
{
    (void)state;
    const int64_t a0 = put_frame("in/a.pgm", 0), a1 = put_frame("in/a.pgm", 1);
    start_over();
    find_frames("in/a.pgm", 3);
    find_frames("in/b.pgm", 2);
    compare(model, false);
    assert_int_equal(plan.count, 5);
    assert_int_equal(item_of("in/a.pgm", 0)->image_id, a0);
    assert_int_equal(item_of("in/a.pgm", 1)->image_id, a1);
    assert_int_equal(item_of("in/a.pgm", 1)->kind, PF_PLAN_UNCHANGED);
    assert_int_equal(item_of("in/a.pgm", 2)->kind, PF_PLAN_NEW);
    assert_int_equal(item_of("in/a.pgm", 2)->picture_id, 0);
    assert_true(pf_hash_equal(&item_of("in/b.pgm", 0)->content,
                              &item_of("in/b.pgm", 1)->content));
    assert_int_equal(item_of("in/b.pgm", 1)->twin, PF_PLAN_NO_TWIN);
    assert_int_equal(plan.n_gone, 0);
    start_over(); /* the file has fewer now, by what the importer says */
    find_frames("in/a.pgm", 1);
    compare(model, false);
    assert_int_equal(plan.n_gone, 1);
    assert_int_equal(plan.gone[0].image_id, a1);
}

static void frames_move_with_their_file(void **state)
{
    (void)state;
    const int64_t a0 = put_frame("in/a.pgm", 0), a1 = put_frame("in/a.pgm", 1);
    pf_films_rename("in/a.pgm", "in/z.pgm");
    start_over();
    find_frames("in/z.pgm", 2);
    compare(model, false);
    assert_int_equal(item_of("in/z.pgm", 0)->kind, PF_PLAN_MOVED);
    assert_int_equal(item_of("in/z.pgm", 0)->image_id, a0);
    assert_int_equal(item_of("in/z.pgm", 1)->kind, PF_PLAN_MOVED);
    assert_int_equal(item_of("in/z.pgm", 1)->image_id, a1);
}

static void frames_have_twins_of_their_own(void **state)
{
    (void)state;
    pf_films_picture("in/twin.pgm", 0); /* the same as in/a.pgm */
    start_over();
    find_frames("in/a.pgm", 2);
    find_frames("in/twin.pgm", 3);
    compare(model, false);
    for (int frame = 0; frame < 2; frame++) {
        const pf_plan_item *first = &plan.items[item_of("in/twin.pgm", frame)->twin];
        assert_ptr_equal(first, item_of("in/a.pgm", frame));
    }
    assert_int_equal(item_of("in/twin.pgm", 2)->twin, PF_PLAN_NO_TWIN);
}

/* A source whose images lie elsewhere: what is its own is known by its id. */
static void images_outside_of_the_source(void **state)
{
    (void)state;
    pf_films_picture("spool/x.pgm", 50);
    pf_films_picture("spool/y.pgm", 51);
    const int64_t x = put("spool/x.pgm");
    put("spool/y.pgm");
    start_over();
    find_frames("spool/y.pgm", 1);
    compare(model, false);
    assert_int_equal(plan.n_gone, 1);
    assert_int_equal(plan.gone[0].image_id, x);
    start_over(); /* the server does not answer */
    assert_ok(pf_collection_add_gap(&found, root, "away", &err), &err);
    compare(model, false);
    assert_int_equal(plan.n_gone, 0);
    assert_int_equal(plan.n_kept, 2);
    const pf_plan_options o = {.store = store, .source_id = 77, .model_id = model};
    start_over(); /* and of another source they are no business */
    assert_ok(pf_plan_make(&plan, &found, &o, &err), &err);
    assert_int_equal(plan.n_gone + plan.n_kept, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_new, before, after),
        cmocka_unit_test_setup_teardown(unchanged_touched_changed, before, after),
        cmocka_unit_test_setup_teardown(verify_content, before, after),
        cmocka_unit_test_setup_teardown(moved_copied_gone, before, after),
        cmocka_unit_test_setup_teardown(twins_move_once_each, before, after),
        cmocka_unit_test_setup_teardown(moved_and_edited, before, after),
        cmocka_unit_test_setup_teardown(another_model, before, after),
        cmocka_unit_test_setup_teardown(gaps_keep_what_was_known, before, after),
        cmocka_unit_test_setup_teardown(unreadable_file, before, after),
        cmocka_unit_test_setup_teardown(each_frame_is_an_item, before, after),
        cmocka_unit_test_setup_teardown(frames_move_with_their_file, before, after),
        cmocka_unit_test_setup_teardown(frames_have_twins_of_their_own, before, after),
        cmocka_unit_test_setup_teardown(images_outside_of_the_source, before, after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
