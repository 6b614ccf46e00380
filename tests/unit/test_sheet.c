/*
 * test_sheet.c - contact sheets: where tiles are and what is in them; and a page that
 * is well-formed whatever captions and paths say.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "cli/sheet.h"
#include "core/api/answer.h"
#include "core/base/stop.h"
#include "core/base/utf8.h"
#include "core/image/encode.h"
#include "core/image/thumbnail.h"
#include "tests/support/tree.h"
#include "tests/unit/image_support.h"

enum { N = 7, SIZE_MAX_OF_FILE = 4 << 20 };

static pf_err err;
static char folder[PF_TREE_ROOM], path[96];
static pf_buf file;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    pf_buf_init(&file, SIZE_MAX_OF_FILE);
    pf_tree_make(folder);
    return 0;
}

static int after(void **state)
{
    (void)state;
    static const char *const names[] = {"a.png", "a.html"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    pf_buf_free(&file);
    return rmdir(folder); /* fails when something is left over */
}

/* ---- an answer ---- */

/* Picture 3 is not there, picture 5 is no JPEG; the others have their own grey. */
static bool picture_of(void *context, int64_t id, uint8_t **jpeg, size_t *n, pf_err *e)
{
    (void)context;
    *jpeg = NULL;
    if (id == 3)
        return pf_fail(e, PF_ERR_IO, "it is gone");
    pf_buf b;
    pf_buf_init(&b, PF_THUMBNAIL_CAP);
    pf_picture p = {.width = 192, .height = 96};
    p.rgb = pf_alloc_array(192 * 96, 3, e);
    if (p.rgb)
        memset(p.rgb, 100 + 20 * (int)id, 192 * 96 * 3);
    if (p.rgb &&
        (id == 5 ? pf_buf_add_str(&b, "no jpeg", e) : pf_jpeg_encode(&p, 90, &b, e))) {
        *n = b.size;
        *jpeg = (uint8_t *)pf_buf_take(&b, e);
    }
    pf_picture_reset(&p);
    pf_buf_free(&b);
    return *jpeg != NULL;
}

static pf_hit hits[N];
static pf_attribute attributes[2];
static pf_hit_image images[3];

static pf_sheet make_sheet(pf_answer *answer, size_t n, pf_find find)
{
    attributes[0] = (pf_attribute){sizeof *attributes, "age", "<60"};
    attributes[1] = (pf_attribute){sizeof *attributes, "no\"te", "a&b"};
    for (int i = 0; i < 3; i++)
        images[i] = (pf_hit_image){.id = i, .path = "/p/q.png"};
    for (int i = 0; i < N; i++)
        hits[i] = (pf_hit){.id = i,
                           .image_id = i,
                           .score = 0.5 - 0.01 * i,
                           .path = "/films/a.png",
                           .case_key = "k",
                           .images = images,
                           .n_images = 3,
                           .n_case_images = 4,
                           .attributes = attributes,
                           .n_attributes = 2,
                           .caption = "Right pleural effusion, seen by nobody else "
                                      "but this one reader of films"};
    hits[1].caption = "</script><script>alert(1)</script>\" onload=\"x' <!-- & \033[1m";
    hits[1].path = "/films/\xFF \"quoted\"/<b>&?#%.png";
    hits[2].caption = NULL;
    hits[2].case_key = NULL;
    hits[4].caption = "]]>{{nonce}}\xE2\x80\xAEgnp\xED\xA0\x80 {{hits}}";
    hits[4].case_title = "<title>";
    *answer = (pf_answer){.about = {.find = find}, .hits = {.hits = hits, .n_hits = n}};
    return (pf_sheet){
        .question = "right <effusion>", .answer = answer, .picture = picture_of};
}

static void save(pf_sheet *s, const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(pf_sheet_save(s, path, &err), &err);
    file.size = 0;
    assert_ok(pf_file_read(path, &file, &err), &err);
}

/* ---- png ---- */

static int lit(const pf_picture *p, int x, int y, int width, int height)
{
    int n = 0;
    for (int i = 0; i < width * height; i++) {
        const int px = x + i % width, py = y + i / width;
        n += p->rgb[(py * p->width + px) * 3] > 120;
    }
    return n;
}

static void tiles_are_where_they_belong(void **state)
{
    (void)state;
    pf_answer answer;
    pf_sheet s = make_sheet(&answer, N, PF_FIND_IMAGES);
    pf_picture p = {0};
    save(&s, "a.png");
    assert_ok(
        pf_picture_decode(&p, (uint8_t *)file.data, file.size, NULL, 0, NULL, &err),
        &err);
    assert_int_equal(s.n_missing, 2);
    assert_int_equal((p.width - 8) % 216, 0);
    const int columns = (p.width - 8) / 216, rows = (N + columns - 1) / columns;
    assert_int_equal(columns, 4);
    const int top = p.height - rows * 271 - 8; /* the question */
    assert_true(top > 40 && top < 80);
    assert_true(lit(&p, 16, 8, 300, 26) > 150);
    for (int i = 0; i < N; i++) {
        const int x = 16 + i % columns * 216, y = top + 8 + i / columns * 271;
        const uint8_t *middle = p.rgb + ((y + 50) * p.width + x + 5) * 3;
        const bool is_missing = i == 3 || i == 5;
        assert_in_range(middle[0], is_missing ? 50 : 98 + 20 * i,
                        is_missing ? 70 : 102 + 20 * i);
        assert_int_equal(lit(&p, x, y, 192, 40) > 0, false); /* above the picture */
        assert_true(lit(&p, x, y + 196, 192, 17) > 60);      /* rank and score */
        assert_true(lit(&p, x, y + 213, 192, 15) > 60);      /* caption */
        assert_true((lit(&p, x, y + 228, 192, 15) > 60) == (i != 2));
    }
    pf_picture_reset(&p);
}

static void sheets_of_any_number(void **state)
{
    (void)state;
    pf_answer answer;
    static pf_hit many[PF_SHEET_PNG_MAX + 1];
    pf_sheet s = make_sheet(&answer, 0, PF_FIND_CASES);
    hits[2].case_key = "k";
    save(&s, "a.png");
    save(&s, "a.html");
    assert_non_null(strstr(file.data, ">nothing found<"));
    for (size_t n = 1; n <= N; n++) {
        answer.hits.n_hits = n;
        save(&s, "a.png");
    }
    for (size_t i = 0; i <= PF_SHEET_PNG_MAX; i++)
        many[i] = hits[i % N];
    answer.hits.hits = many;
    answer.hits.n_hits = PF_SHEET_PNG_MAX;
    save(&s, "a.png");
    pf_picture p = {0};
    assert_ok(
        pf_picture_decode(&p, (uint8_t *)file.data, file.size, NULL, 0, NULL, &err),
        &err);
    assert_true(p.width < 8000 && p.height < 8000);
    pf_picture_reset(&p);
    answer.hits.n_hits++;
    assert_refused(pf_sheet_save(&s, path, &err), &err,
                   "401 hits, a png has room for 400");
}

/* ---- html ---- */

/* A strict reader: tags balance, attributes are quoted, `<` and `&` mean what XML says,
 * no control characters. Counts tags of a name. */
static int check_page(const char *page, const char *count)
{
    char stack[64][16];
    int depth = 0, n = 0;
    assert_true(pf_utf8_is_valid(page, strlen(page)));
    const char *p = strchr(page, '\n') + 1; /* behind <!DOCTYPE html> */
    for (; *p; p++) {
        assert_true((unsigned char)*p >= 0x20 || *p == '\n');
        if (*p == '&') {
            assert_int_equal(p[1], '#');
            const size_t digits = strspn(p + 2, "0123456789");
            assert_true(digits > 0 && p[2 + digits] == ';');
        }
        if (*p != '<')
            continue;
        const bool is_end = p[1] == '/';
        char name[16] = "";
        p += 1 + is_end;
        const size_t size = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789");
        assert_in_range(size, 1, 15);
        memcpy(name, p, size);
        p += size;
        n += !is_end && strcmp(name, count) == 0;
        while (*p == ' ' && p[1] != '/') {
            p += 1 + strspn(p + 1, "abcdefghijklmnopqrstuvwxyz-");
            assert_memory_equal(p, "=\"", 2);
            p += 2 + strcspn(p + 2, "\"<") + 1;
            assert_int_equal(p[-1], '"');
        }
        if (is_end) {
            assert_true(depth > 0);
            assert_string_equal(stack[--depth], name);
        } else if (*p != ' ') {
            assert_true(depth < 64);
            strcpy(stack[depth++], name);
        } else {
            assert_memory_equal(p, " />", 3);
            p += 2;
        }
        assert_int_equal(*p, '>');
    }
    assert_int_equal(depth, 0);
    return n;
}

static void a_page_is_well_formed_whatever_it_says(void **state)
{
    (void)state;
    static const pf_find finds[] = {PF_FIND_IMAGES, PF_FIND_CAPTIONS, PF_FIND_CASES};
    for (int i = 0; i < 3; i++) {
        pf_answer answer;
        pf_sheet s = make_sheet(&answer, N, finds[i]);
        if (finds[i] == PF_FIND_CAPTIONS)
            hits[2].caption = "found";
        if (finds[i] == PF_FIND_CASES)
            hits[2].case_key = "k";
        save(&s, "a.html");
        assert_int_equal(check_page(file.data, "script"), 1);
        assert_int_equal(check_page(file.data, "li"), N);
        /* of cases two more pictures each, none of them missing */
        assert_int_equal(check_page(file.data, "img"),
                         finds[i] == PF_FIND_CASES ? N - 1 + 2 * N : N - 1);
        assert_null(strstr(file.data, "http:"));
        assert_null(strstr(file.data, "https:"));
        assert_null(strstr(file.data, "src=\"f"));
    }
}

/* A catalog of somebody else's may hold anything for a path. */
static void a_page_links_to_no_other_machine(void **state)
{
    (void)state;
    pf_answer answer;
    pf_sheet s = make_sheet(&answer, N, PF_FIND_IMAGES);
    hits[0].path = "//evil.example/share/a.png";
    hits[1].path = "evil.example/a.png";
    hits[3].path = "/films/a.png";
    save(&s, "a.html");
    assert_null(strstr(file.data, "file:////"));
    assert_null(strstr(file.data, "file://evil"));
    assert_non_null(strstr(file.data, "\"file:///films/a.png\""));
}

static void a_page_says_what_was_found(void **state)
{
    (void)state;
    pf_answer answer;
    pf_sheet s = make_sheet(&answer, N, PF_FIND_IMAGES);
    save(&s, "a.html");
    static const char hostile[] =
        ">&#60;/script&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#34; onload=&#34;"
        "x&#39; &#60;!-- &#38; \xEF\xBF\xBD[1m</p>";
    static const char *const parts[] = {
        "<title>right &#60;effusion&#62; - plainfilm</title>",
        ">7 images<",
        "href=\"file:///films/%FF%20%22quoted%22/%3Cb%3E%26%3F%23%25.png\"",
        "<bdi>/films/\xEF\xBF\xBD &#34;quoted&#34;/&#60;b&#62;&#38;?#%.png</bdi>",
        hostile,
        ">]]&#62;{{nonce}}\xEF\xBF\xBDgnp\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD "
        "{{hits}}</p>",
        "<dt>age</dt><dd dir=\"auto\">&#60;60</dd>",
        "<b class=\"rank\">7</b> <span class=\"score\">0.440</span>",
        "<span class=\"missing\">no picture</span>",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!strstr(file.data, parts[i]))
            fail_msg("not on the page: %s", parts[i]);
    }
    /* data: is the picture, and the policy's nonce is the script's and another one the
     * next time */
    const char *nonce = strstr(file.data, "nonce-");
    char first[40], tag[80];
    assert_non_null(nonce);
    snprintf(first, sizeof first, "%.32s", nonce + 6);
    snprintf(tag, sizeof tag, "<script nonce=\"%s\">", first);
    assert_non_null(strstr(file.data, tag));
    save(&s, "a.html");
    assert_null(strstr(file.data, tag));
}

static void base64_is_the_picture(void **state)
{
    (void)state;
    pf_answer answer;
    pf_sheet s = make_sheet(&answer, 1, PF_FIND_IMAGES);
    save(&s, "a.html");
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *from = strstr(file.data, "base64,");
    uint8_t bytes[20000];
    size_t n = 0;
    assert_non_null(from);
    for (from += 7; *from != '"' && n + 3 < sizeof bytes; from += 4) {
        uint32_t v = 0;
        for (int i = 0; i < 4; i++) {
            const char *d = strchr(digits, from[i]);
            v = v << 6 | (from[i] == '=' ? 0u : (uint32_t)(d - digits));
        }
        bytes[n++] = (uint8_t)(v >> 16);
        bytes[n++] = (uint8_t)(v >> 8);
        bytes[n++] = (uint8_t)v;
    }
    n -= (from[-1] == '=') + (from[-2] == '=');
    uint8_t *jpeg;
    size_t size;
    assert_ok(picture_of(NULL, 0, &jpeg, &size, &err), &err);
    assert_int_equal(n, size);
    assert_memory_equal(bytes, jpeg, n);
    pf_free(jpeg);
}

/* ---- files ---- */

static void a_file_appears_whole_or_not_at_all(void **state)
{
    (void)state;
    pf_answer answer;
    struct stat st;
    pf_sheet s = make_sheet(&answer, N, PF_FIND_IMAGES);
    static const char *const names[] = {"a.png", "a.html"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        /* one that is there stays until the other is whole */
        pf_tree_write_text(path, "old");
        long n = 1;
        bool ok = false;
        for (; !ok && n < 20000; n += n < 60 ? 1 : 61) {
            err = (pf_err)PF_ERR_INIT;
            pf_mem_fail_at(n);
            ok = pf_sheet_save(&s, path, &err);
            pf_mem_fail_at(0);
            assert_int_equal(stat(path, &st), 0);
            if (!ok) {
                assert_int_equal(err.code, PF_ERR_NOMEM);
                assert_true(st.st_size == 3 || st.st_size > 1000);
            }
        }
        assert_true(ok && n > 10 && st.st_size > 1000);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    snprintf(path, sizeof path, "%s/none/a.png", folder);
    assert_refused(pf_sheet_save(&s, path, &err), &err, "none/a.png': No such file");
    assert_refused(pf_sheet_save(&s, folder, &err), &err, "it is a folder");
}

static pf_stop stop;

/* Ctrl-C is pressed while the third picture is fetched. */
static bool picture_and_stop(void *context, int64_t id, uint8_t **jpeg, size_t *n,
                             pf_err *e)
{
    if (id == 2)
        pf_stop_set(&stop);
    return picture_of(context, id, jpeg, n, e);
}

static void nothing_is_left_of_one_that_is_interrupted(void **state)
{
    (void)state;
    static const char *const names[] = {"a.png", "a.html"};
    pf_answer answer;
    for (size_t i = 0; i < 2; i++) {
        pf_sheet s = make_sheet(&answer, N, PF_FIND_IMAGES);
        save(&s, names[i]);
        const size_t size = file.size;
        for (size_t n = 3; n <= N; n += N - 3) { /* in the midst, and at the very end */
            s = make_sheet(&answer, n, PF_FIND_IMAGES);
            s.picture = picture_and_stop;
            s.stop = &stop;
            atomic_store(&stop.is_set, 0);
            assert_refused(pf_sheet_save(&s, path, &err), &err, "': interrupted");
            assert_int_equal(err.code, PF_ERR_INTERRUPTED);
            err = (pf_err)PF_ERR_INIT;
        }
        file.size = 0;
        assert_ok(pf_file_read(path, &file, &err), &err);
        assert_int_equal(file.size, size); /* the one before */
    }
}

static void kinds(void **state)
{
    (void)state;
    assert_int_equal(pf_sheet_kind_of("a.png"), PF_SHEET_PNG);
    assert_int_equal(pf_sheet_kind_of("/b.c/a.PNG"), PF_SHEET_PNG);
    assert_int_equal(pf_sheet_kind_of("a.b.html"), PF_SHEET_HTML);
    assert_int_equal(pf_sheet_kind_of("a.Htm"), PF_SHEET_HTML);
    assert_int_equal(pf_sheet_kind_of("a.jpg"), PF_SHEET_OTHER);
    assert_int_equal(pf_sheet_kind_of("png"), PF_SHEET_OTHER);
    assert_int_equal(pf_sheet_kind_of("a.png/b"), PF_SHEET_OTHER);
    assert_int_equal(pf_sheet_kind_of(""), PF_SHEET_OTHER);
}

static void questions(void **state)
{
    (void)state;
    pf_request *r;
    assert_ok(pf_request_new(&r, &err) &&
                  pf_request_add_phrase(r, "effusion", 1, &err) &&
                  pf_request_add_picture_file(r, "/a/b.png", 2.5, &err) &&
                  pf_request_add_like(r, "17", 1, &err) &&
                  pf_request_add_phrase(r, "lateral", -1, &err),
              &err);
    char *words = pf_request_describe(r, &err);
    assert_string_equal(words, "effusion, 2.5 \xC3\x97 the picture b.png, like 17, "
                               "without lateral");
    pf_free(words);
    pf_request_free(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tiles_are_where_they_belong),
        TEST(sheets_of_any_number),
        TEST(a_page_is_well_formed_whatever_it_says),
        TEST(a_page_links_to_no_other_machine),
        TEST(a_page_says_what_was_found),
        TEST(base64_is_the_picture),
        TEST(a_file_appears_whole_or_not_at_all),
        TEST(nothing_is_left_of_one_that_is_interrupted),
        TEST(kinds),
        TEST(questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
