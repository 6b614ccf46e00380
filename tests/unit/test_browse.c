/*
 * test_browse.c - looking around in a catalog: images, cases, thumbnails, values and
 * how many images have them, against what the store says row by row.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/catalog/store.h"
#include "core/image/picture.h"
#include "core/image/thumbnail.h"
#include "tests/support/asking.h"
#include "tests/support/rows.h"
#include "tests/support/seeded.h"
#include "tests/support/tree.h"
#include "tests/unit/test_support.h"

enum { DIM = 16, IMAGES = 60, VALUES_MAX = 400 };

static char root[PF_TREE_ROOM], folder[96];
static pf_err err;
static pf_reader *reader;
static pf_store *store; /* another look at the same catalog */

/* ---- the catalog ----------------------------------------------------------------- */

/* Under keys that images and their cases share, too. */
static bool put_attributes(pf_store *s, int i, int64_t image, int64_t case_id,
                           pf_err *e)
{
    static const char *const tags[] = {"a", "b", "B", "b c", "\xC3\xA9tude"};
    const pf_store_attribute own[] = {{"modality", i % 3 ? "CT" : "MR"},
                                      {"tag", tags[i % 5]},
                                      {"tag", tags[i / 5 % 5]},
                                      {"view", "PA"}};
    const pf_store_attribute of_case[] = {{"modality", "CT"}, {"tag", tags[i / 8 % 5]}};
    const size_t n = i % 5 == i / 5 % 5 ? 2 : 3 + (i % 7 == 0);
    return pf_store_set_image_attributes(s, image, own, n, e) &&
           (case_id == 0 ||
            pf_store_set_case_attributes(s, case_id, of_case, 1 + i / 8 % 2, e));
}

static bool put_captions(pf_store *s, int64_t model, int i, int64_t image, pf_err *e)
{
    int64_t texts[3];
    float v[DIM];
    const size_t n = (size_t)i % 4;
    for (size_t k = 0; k < n; k++) {
        char text[64];
        snprintf(text, sizeof text, "caption %zu of film %d", n - k, i % 20);
        pf_seeded_vector(v, DIM, (uint32_t)(100 * i) + (uint32_t)k);
        if (!pf_store_put_caption_text(s, model, text, v, &texts[k], e))
            return false;
    }
    return pf_store_set_captions(s, image, texts, n, e);
}

static const uint8_t small_jpeg[] = {0xFF, 0xD8, 1, 2, 3, 0xFF, 0xD9};

/* Of every third picture there is a thumbnail; films 1 and 2 have files. */
static bool add_image(pf_store *s, int64_t model, int64_t source, int i, pf_err *e)
{
    char path[160], content[16], key[16], title[32];
    float v[DIM];
    int64_t id;
    pf_store_image image = {.source_id = source, .path = path, .frame = i % 10 == 9};
    snprintf(path, sizeof path, "%s/film-%d.ppm", root, i);
    snprintf(content, sizeof content, "%d", i);
    snprintf(key, sizeof key, "case-%d", i / 4);
    snprintf(title, sizeof title, i / 4 % 2 ? "" : "Title of %d", i / 4);
    pf_seeded_vector(v, DIM, (uint32_t)i);
    return pf_rows_put_picture(s, model, content, v, &image.picture_id, e) &&
           (i % 3 != 0 || pf_store_put_thumbnail(s, image.picture_id, small_jpeg,
                                                 sizeof small_jpeg, e)) &&
           (i % 4 > 1 || pf_store_put_case(s, source, key, title, &image.case_id, e)) &&
           pf_store_put_image(s, &image, &id, e) &&
           put_attributes(s, i, id, image.case_id, e) &&
           put_captions(s, model, i, id, e);
}

/* What is in its file is what was indexed. */
static void record_content(int film)
{
    pf_hash hash;
    char name[32], hex[PF_HASH_HEX_SIZE], script[200];
    snprintf(name, sizeof name, "film-%d.ppm", film);
    assert_ok(pf_hash_file(&hash, pf_tree_path(root, name), &err), &err);
    pf_hash_hex(&hash, hex);
    snprintf(script, sizeof script,
             "UPDATE picture SET content_hash = x'%s' WHERE id ="
             " (SELECT picture_id FROM image WHERE id = %d)",
             hex, film);
    pf_rows_run_script(folder, script);
}

static int before_all(void **state)
{
    (void)state;
    enum { WIDTH = 500, HEIGHT = 250 };
    static uint8_t film[32 + WIDTH * HEIGHT * 3];
    pf_tree_make(root);
    snprintf(folder, sizeof folder, "%s/catalog", root);
    const int n = snprintf((char *)film, 32, "P6 %d %d 255\n", WIDTH, HEIGHT);
    memset(film + n, 0x80, WIDTH * HEIGHT * 3);
    pf_tree_write(pf_tree_path(root, "film-1.ppm"), film,
                  (size_t)n + WIDTH * HEIGHT * 3);
    pf_tree_write_text(pf_tree_path(root, "film-2.ppm"), "P6 500 250 255\ncut");
    pf_tree_write_text(pf_tree_path(root, "film-4.ppm"), "no picture at all");
    pf_tree_write(pf_tree_path(root, "film-8.ppm"), film,
                  (size_t)n + WIDTH * HEIGHT * 3);
    /* numbers from 1, as ids */
    assert_ok(pf_rows_publish(folder, DIM, 1, IMAGES + 1, add_image, &err), &err);
    for (int i = 1; i <= 4; i += i) /* not 8 */
        record_content(i);
    assert_ok(pf_asking_open(&reader, folder, NULL, NULL, &err), &err);
    assert_ok(
        pf_store_open(&store, pf_tree_path(folder, "catalog.db"), PF_STORE_READ, &err),
        &err);
    return 0;
}

static int after_all(void **state)
{
    (void)state;
    pf_store_close(store);
    pf_asking_close(reader);
    pf_tree_remove(root);
    return 0;
}

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

/* ---- images and cases ------------------------------------------------------------ */

static void is_same_text(const char *a, const char *b)
{
    if (a && b)
        assert_string_equal(a, b);
    else
        assert_true(!a && !b);
}

static void compare_image(int64_t id)
{
    pf_store_details d = {0};
    pf_image *image;
    assert_ok(pf_store_get_details(store, id, &d, &err), &err);
    assert_ok(pf_reader_find_image(reader, id, &image, &err), &err);
    assert_non_null(image);
    assert_int_equal(image->struct_size, sizeof *image);
    assert_int_equal(image->id, id);
    assert_string_equal(image->path, d.path);
    assert_int_equal(image->frame, d.frame);
    assert_int_equal(image->width, d.width);
    assert_int_equal(image->height, d.height);
    assert_string_equal(image->format, d.format);
    assert_int_equal(image->case_id, d.case_id);
    is_same_text(image->case_key, d.case_key);
    is_same_text(image->case_title, d.case_title);
    assert_int_equal(image->n_captions, d.n_captions);
    assert_int_equal(image->n_captions, id % 4);
    for (size_t i = 0; i < d.n_captions; i++) {
        assert_int_equal(image->captions[i].struct_size, sizeof *image->captions);
        assert_int_equal(image->captions[i].id, d.captions[i].id);
        assert_string_equal(image->captions[i].text, d.captions[i].text);
    }
    assert_int_equal(image->n_attributes, d.n_attributes);
    for (size_t i = 0; i < d.n_attributes; i++) {
        assert_int_equal(image->attributes[i].struct_size, sizeof *image->attributes);
        assert_string_equal(image->attributes[i].key, d.attributes[i].key);
        assert_string_equal(image->attributes[i].value, d.attributes[i].value);
    }
    pf_image_free(image);
    pf_store_details_reset(&d);
}

static void images_have_all_that_is_known(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= IMAGES; id++)
        compare_image(id);
    static const int64_t nobody[] = {0, -1, IMAGES + 1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
        pf_image *image = (pf_image *)(uintptr_t)1;
        assert_ok(pf_reader_find_image(reader, nobody[i], &image, &err), &err);
        assert_null(image);
    }
    pf_image_free(NULL);
}

typedef struct {
    int64_t cases[IMAGES], images[IMAGES];
    size_t n;
} pairs;

static bool take_pair(void *user, int64_t case_id, int64_t image_id, pf_err *e)
{
    (void)e;
    pairs *p = user;
    p->cases[p->n] = case_id;
    p->images[p->n++] = image_id;
    return true;
}

static void cases_have_all_of_their_images(void **state)
{
    (void)state;
    pairs p = {.n = 0};
    size_t n_seen = 0;
    int64_t n_cases = 0;
    assert_ok(pf_store_each_case_image(store, take_pair, &p, &err), &err);
    for (size_t i = 0, end; i < p.n; i = end) {
        pf_case *found;
        pf_image *image;
        assert_ok(pf_reader_find_case(reader, p.cases[i], &found, &err), &err);
        assert_ok(pf_reader_find_image(reader, p.images[i], &image, &err), &err);
        assert_non_null(found);
        assert_int_equal(found->struct_size, sizeof *found);
        assert_int_equal(found->id, p.cases[i]);
        assert_string_equal(found->key, image->case_key);
        assert_string_equal(found->title, image->case_title);
        for (end = i; end < p.n && p.cases[end] == p.cases[i]; end++) {
            assert_true(end - i < found->n_images);
            assert_int_equal(found->images[end - i], p.images[end]);
        }
        assert_int_equal(found->n_images, end - i);
        n_seen += found->n_images;
        n_cases++;
        pf_case_free(found);
        pf_image_free(image);
    }
    assert_int_equal(n_seen, p.n);
    assert_true(n_cases > 10);
    static const int64_t nobody[] = {0, -1, 10000};
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
        pf_case *found = (pf_case *)(uintptr_t)1;
        assert_ok(pf_reader_find_case(reader, nobody[i], &found, &err), &err);
        assert_null(found);
    }
    pf_case_free(NULL);
}

static void the_numbers_are_those_of_the_store(void **state)
{
    (void)state;
    pf_store_counts n;
    pf_catalog_info info = PF_CATALOG_INFO_INIT;
    assert_ok(pf_store_count(store, &n, &err), &err);
    assert_ok(pf_reader_get_info(reader, &info, &err), &err);
    assert_int_equal(info.struct_size, sizeof info);
    assert_int_equal(info.generation, 1);
    assert_int_equal(info.images, IMAGES);
    assert_int_equal(info.images, n.images);
    assert_int_equal(info.captions, n.captions);
    assert_int_equal(info.cases, n.cases);
    assert_int_equal(info.captioned_images, n.captioned_images);
    assert_true(info.captioned_images < info.images && info.cases > 0);
    assert_int_equal(info.dim, DIM);
}

/* ---- previews -------------------------------------------------------------------- */

static pf_preview *preview_of(int64_t id, const pf_preview_options *o)
{
    pf_preview *p;
    assert_ok(pf_reader_get_preview(reader, id, o, &p, &err), &err);
    return p;
}

static void check_picture(const pf_preview *p, int width, int height, const char *kind)
{
    pf_picture picture;
    assert_string_equal(pf_picture_sniff(p->bytes, p->n, NULL), kind);
    assert_ok(pf_picture_decode(&picture, p->bytes, p->n, NULL, 0, NULL, &err), &err);
    assert_int_equal(picture.width, width);
    assert_int_equal(picture.height, height);
    assert_in_range(picture.rgb[0], 0x7E, 0x82);
    pf_picture_reset(&picture);
}

static void previews_are_as_large_as_asked(void **state)
{
    (void)state;
    pf_preview_options o = PF_PREVIEW_OPTIONS_INIT;
    static const struct {
        int side, width, height;
    } sizes[] = {{100, 100, 50}, {500, 500, 250}, {4096, 500, 250}, {1, 1, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int lossless = 0; lossless < 2; lossless++) {
            o.side = sizes[i].side;
            o.is_lossless = lossless;
            pf_preview *p = preview_of(1, &o);
            assert_int_equal(p->width, 500);
            assert_int_equal(p->height, 250);
            assert_false(p->is_deep);
            assert_int_equal(p->frame, 0);
            check_picture(p, sizes[i].width, sizes[i].height,
                          lossless ? "png" : "jpeg");
            pf_preview_free(p);
        }
    }
    pf_preview_free(NULL);
}

/* Neither is there anything of a file that is not the indexed one, nor of one that
 * nobody can read. */
static void only_what_was_indexed_is_shown(void **state)
{
    (void)state;
    static const struct {
        int64_t id;
        pf_code code;
    } refused[] = {{8, PF_ERR_MISMATCH},
                   {2, PF_ERR_FORMAT},
                   {4, PF_ERR_UNSUPPORTED},
                   {1000, PF_ERR_NOT_FOUND},
                   {-1, PF_ERR_NOT_FOUND}};
    const pf_preview_options o = PF_PREVIEW_OPTIONS_INIT;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        pf_preview *p;
        err = (pf_err)PF_ERR_INIT;
        assert_false(pf_reader_get_preview(reader, refused[i].id, &o, &p, &err));
        assert_int_equal(err.code, refused[i].code);
        assert_null(p);
    }
    uint8_t *bytes;
    size_t n;
    const char *format;
    err = (pf_err)PF_ERR_INIT;
    assert_ok(pf_reader_get_original(reader, 1, &bytes, &n, &format, &err), &err);
    assert_string_equal(format, "pnm");
    assert_memory_equal(bytes, "P6 500 250 255", 14);
    pf_free(bytes);
    assert_false(pf_reader_get_original(reader, 8, &bytes, &n, &format, &err));
    assert_int_equal(err.code, PF_ERR_MISMATCH);
    assert_null(bytes);
}

static void previews_are_checked(void **state)
{
    (void)state;
    pf_preview *p;
    const pf_preview_options good = PF_PREVIEW_OPTIONS_INIT;
    pf_preview_options bad[] = {good, good, good, good};
    bad[0].side = 0;
    bad[1].side = PF_PREVIEW_SIDE_MAX + 1;
    bad[2].low = NAN;
    bad[3].struct_size = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = (pf_err)PF_ERR_INIT;
        assert_false(pf_reader_get_preview(reader, 1, &bad[i], &p, &err));
        assert_int_equal(err.code, PF_ERR_MISUSE);
    }
    pf_preview_options other = good;
    other.frame = 1;
    assert_false(pf_reader_get_preview(reader, 1, &other, &p, &err));
}

static void an_indexer_at_work_is_seen(void **state)
{
    (void)state;
    pf_catalog_info info = PF_CATALOG_INFO_INIT;
    int ready[2], end[2];
    char c = 0;
    assert_ok(pf_reader_get_info(reader, &info, &err), &err);
    assert_false(info.is_being_written);
    assert_true(pipe(ready) == 0 && pipe(end) == 0);
    const pid_t child = fork();
    if (child == 0) {
        const struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        const int fd = open(pf_tree_path(folder, "lock"), O_RDWR | O_CREAT, 0600);
        c = fcntl(fd, F_SETLK, &all) == 0 ? 'y' : 'n';
        close(end[1]);
        _exit(write(ready[1], &c, 1) == 1 && read(end[0], &c, 1) == 0 ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(c, 'y');
    assert_ok(pf_reader_get_info(reader, &info, &err), &err);
    assert_true(info.is_being_written);
    close(end[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_ok(pf_reader_get_info(reader, &info, &err), &err);
    assert_false(info.is_being_written);
}

/* ---- values ---------------------------------------------------------------------- */

typedef struct {
    char key[16], value[16];
    size_t n;
    int64_t last; /* image that was counted */
} counted;

static struct {
    counted at[VALUES_MAX];
    size_t n;
} brute;

static void count_value(int64_t image, const char *key, const char *value)
{
    counted *c = brute.at;
    while (c < brute.at + brute.n &&
           !(strcmp(c->key, key) == 0 && strcmp(c->value, value) == 0))
        c++;
    if (c == brute.at + brute.n) {
        assert_true(brute.n++ < VALUES_MAX);
        snprintf(c->key, sizeof c->key, "%s", key);
        snprintf(c->value, sizeof c->value, "%s", value);
    }
    c->n += c->last != image; /* an image may have it of its own, and by its case */
    c->last = image;
}

static int in_order(const void *a, const void *b)
{
    const counted *x = a, *y = b;
    const int keys = strcmp(x->key, y->key);
    if (keys != 0)
        return keys;
    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->value, y->value);
}

static void count_all(void)
{
    memset(&brute, 0, sizeof brute);
    for (int64_t id = 1; id <= IMAGES; id++) {
        pf_store_details d = {0};
        assert_ok(pf_store_get_details(store, id, &d, &err), &err);
        for (size_t i = 0; i < d.n_attributes; i++)
            count_value(id, d.attributes[i].key, d.attributes[i].value);
        pf_store_details_reset(&d);
    }
    qsort(brute.at, brute.n, sizeof *brute.at, in_order);
}

static size_t compare_facets(const char *key, size_t most)
{
    pf_facets *facets;
    size_t at = 0, of_key = 0;
    assert_ok(pf_reader_get_facets(reader, key, most, &facets, &err), &err);
    for (size_t i = 0; i < brute.n; i++) {
        const counted *c = &brute.at[i];
        of_key = i > 0 && strcmp(c->key, brute.at[i - 1].key) == 0 ? of_key + 1 : 1;
        if ((key && strcmp(c->key, key) != 0) || (most > 0 && of_key > most))
            continue;
        const pf_facet *f = pf_facets_at(facets, at++);
        assert_non_null(f);
        assert_int_equal(f->struct_size, sizeof *f);
        assert_string_equal(f->key, c->key);
        assert_string_equal(f->value, c->value);
        assert_int_equal(f->n_images, c->n);
    }
    assert_int_equal(pf_facets_count(facets), at);
    assert_null(pf_facets_at(facets, at));
    pf_facets_free(facets);
    return at;
}

static void values_are_counted(void **state)
{
    (void)state;
    static const char *const keys[] = {NULL, "modality", "tag", "view"};
    count_all();
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const size_t all = compare_facets(keys[k], 0);
        assert_true(all > 0);
        assert_true(compare_facets(keys[k], 1) == (keys[k] ? 1 : 3));
        assert_true(compare_facets(keys[k], 2) <= all);
        assert_int_equal(compare_facets(keys[k], 1000), all);
    }
    assert_int_equal(compare_facets("tag", 0), 5);
    assert_int_equal(compare_facets("nobody", 0), 0);
    assert_int_equal(compare_facets("", 3), 0);
    pf_facets_free(NULL);
}

/* What is counted is what a filter finds. */
static void a_value_finds_so_many_images(void **state)
{
    (void)state;
    pf_facets *facets;
    assert_ok(pf_reader_get_facets(reader, "modality", 0, &facets, &err), &err);
    for (size_t i = 0; i < pf_facets_count(facets); i++) {
        const pf_facet *f = pf_facets_at(facets, i);
        char filter[64];
        pf_request *r;
        pf_answer *answer;
        snprintf(filter, sizeof filter, "%s=%s", f->key, f->value);
        /* film 60 is left out, which has both of them: its own, and that of its case */
        assert_ok(pf_request_new(&r, &err) && pf_request_add_like(r, "60", 1, &err) &&
                      pf_request_add_filter(r, filter, &err) &&
                      pf_request_set_limit(r, 1000, 0, &err) &&
                      pf_reader_ask(reader, r, NULL, &answer, &err),
                  &err);
        assert_int_equal(pf_answer_count(answer) + 1, f->n_images);
        pf_answer_free(answer);
        pf_request_free(r);
    }
    pf_facets_free(facets);
}

/* ---- thumbnails ------------------------------------------------------------------ */

static void thumbnails_come_from_the_catalog_else_the_file(void **state)
{
    (void)state;
    uint8_t *jpeg;
    size_t n;
    assert_ok(pf_reader_get_thumbnail(reader, 3, &jpeg, &n, &err), &err);
    assert_int_equal(n, sizeof small_jpeg);
    assert_memory_equal(jpeg, small_jpeg, n);
    pf_free(jpeg);

    pf_picture p = {0};
    assert_ok(pf_reader_get_thumbnail(reader, 1, &jpeg, &n, &err), &err);
    assert_ok(pf_picture_decode(&p, jpeg, n, NULL, 0, NULL, &err), &err);
    assert_int_equal(p.width, PF_THUMBNAIL_SIDE);
    assert_int_equal(p.height, PF_THUMBNAIL_SIDE / 2);
    pf_picture_reset(&p);
    pf_free(jpeg);

    static const struct {
        int64_t id;
        pf_code code;
        const char *words;
    } none[] = {
        {2, PF_ERR_FORMAT, "film-2.ppm"},      /* cut */
        {4, PF_ERR_UNSUPPORTED, "film-4.ppm"}, /* no picture */
        {5, PF_ERR_NOT_FOUND, "film-5.ppm"},   /* not there */
        {8, PF_ERR_MISMATCH, "film-8.ppm"},    /* another one than was indexed */
        {IMAGES + 1, PF_ERR_NOT_FOUND, "there is no image 61"},
        {0, PF_ERR_NOT_FOUND, "there is no image 0"},
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        err = (pf_err)PF_ERR_INIT;
        assert_refused(pf_reader_get_thumbnail(reader, none[i].id, &jpeg, &n, &err),
                       &err, none[i].words);
        assert_int_equal(err.code, none[i].code);
        assert_null(jpeg);
    }
}

/* ---- memory ---------------------------------------------------------------------- */

static bool look_at_all(void)
{
    pf_image *image = NULL;
    pf_case *found = NULL;
    pf_facets *facets = NULL;
    uint8_t *stored = NULL, *made = NULL;
    size_t n;
    pf_catalog_info info = PF_CATALOG_INFO_INIT;
    const bool ok = pf_reader_find_image(reader, 5, &image, &err) &&
                    pf_reader_find_case(reader, 1, &found, &err) &&
                    pf_reader_get_facets(reader, NULL, 3, &facets, &err) &&
                    pf_reader_get_thumbnail(reader, 3, &stored, &n, &err) &&
                    pf_reader_get_thumbnail(reader, 1, &made, &n, &err) &&
                    pf_reader_get_info(reader, &info, &err);
    if (ok)
        assert_true(image && found && facets && stored && made);
    pf_image_free(image);
    pf_case_free(found);
    pf_facets_free(facets);
    pf_free(stored);
    pf_free(made);
    return ok;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    bool ok = false;
    long n = 1;
    for (; !ok; n++) {
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        ok = look_at_all();
        pf_mem_fail_at(0);
        assert_int_equal(err.code, ok ? PF_OK : PF_ERR_NOMEM);
        assert_true(n < 10000);
    }
    assert_true(n > 30);
    assert_ok(look_at_all(), &err);
}

#define TEST(f) cmocka_unit_test_setup(f, before)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(images_have_all_that_is_known),
        TEST(cases_have_all_of_their_images),
        TEST(the_numbers_are_those_of_the_store),
        TEST(an_indexer_at_work_is_seen),
        TEST(previews_are_as_large_as_asked),
        TEST(only_what_was_indexed_is_shown),
        TEST(previews_are_checked),
        TEST(values_are_counted),
        TEST(a_value_finds_so_many_images),
        TEST(thumbnails_come_from_the_catalog_else_the_file),
        TEST(each_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("browse", tests, before_all, after_all);
}
