/* test_columns.c - which column of a table is what, by common sense and as told. */
#include <string.h>

#include "indexer/columns.h"
#include "tests/unit/test_support.h"

static pf_err err;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

enum { MOST = 8 };

static bool find(const char *const *names, const char *asked, pf_columns *out)
{
    size_t n = 0;
    while (names[n])
        n++;
    err = (pf_err)PF_ERR_INIT;
    return pf_columns_find(out, names, n, asked, &err);
}

/* A letter for each column: f(ile), t(ext), c(ase), a(ttribute), - (left out). */
static void expect(const char *const *names, const char *asked, const char *wanted)
{
    static const char letters[] = "-aftc";
    pf_columns c;
    char found[MOST + 1] = "";
    if (!find(names, asked, &c))
        fail_msg("%s: %s", wanted, err.msg);
    for (size_t i = 0; i < c.n; i++)
        found[i] = letters[c.role[i]];
    assert_string_equal(found, wanted);
}
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void common_sense(void **state)
{
    (void)state;
    expect(NAMES("file", "caption"), NULL, "ft");
    expect(NAMES("Report", "Image", "Case ID"), NULL, "tfc");
    expect(NAMES("name", "File_Name", "TEXT", "age"), NULL, "afta");
    expect(NAMES("path", "findings", "view", "impression"), NULL, "ftat");
    expect(NAMES("path", "findings", "caption", "description"), NULL, "fata");
    expect(NAMES("image path", "description"), NULL, "ft");
    expect(NAMES("", "file", "text", "Unnamed: 3"), NULL, "-ft-");
    expect(NAMES("ID", "Caption"), NULL, "ft");
    expect(NAMES("name", "id", "text"), NULL, "aft");
    expect(NAMES("case", "text"), NULL, "ct"); /* about cases alone */
    pf_columns c;
    assert_true(find(NAMES("ID", "Caption"), NULL, &c) && c.has_ids);
    assert_true(find(NAMES("name", "Caption"), NULL, &c) && !c.has_ids);
    assert_true(c.name == c.n);
    assert_true(find(NAMES("id", "text", "Name"), NULL, &c) && c.name == 2);
    pf_columns_use_name(&c);
    assert_true(c.file == 2 && !c.has_ids && c.role[0] == PF_COLUMN_ATTRIBUTE);
    assert_true(find(NAMES("id", "text", "name"), "file=id", &c) && c.name == c.n);
    assert_true(find(NAMES("file", "name", "id", "text"), NULL, &c) && c.name == c.n);
}

static void as_told(void **state)
{
    (void)state;
    expect(NAMES("Bild", "Befund", "Fall"), "file=Bild,caption=befund,case=FALL",
           "ftc");
    expect(NAMES("a", "b", "c"), "file=b, caption=a, caption=c", "tft");
    expect(NAMES("file", "caption", "x"), "file=x", "atf");
    expect(NAMES("file", "caption", "x"), "caption=x", "fat");
    expect(NAMES("file", "x"), "file=file", "fa"); /* of attributes alone */
    expect(NAMES("file", "a, b"), "\"caption=a, b\"", "ft");
    expect(NAMES("Ro\xCC\x88ntgen", "Text"), "file=R\xC3\x96NTGEN", "ft");
}

static void refusals(void **state)
{
    (void)state;
    pf_columns c;
    assert_refused(find(NAMES("a", "text"), NULL, &c), &err,
                   "names no column for the picture (file, filename");
    assert_refused(find(NAMES("file", "a"), NULL, &c), &err,
                   "names no column for the text (caption, text");
    assert_refused(find(NAMES("file", "text", "File"), NULL, &c), &err,
                   "two columns 'file'");
    assert_refused(find(NAMES("file", "text"), "file=b", &c), &err,
                   "no column 'b', which --columns names");
    static const char *const bad[] = {"file", "file=", "image=a", "file=a,,",
                                      "\"a",  ",",     "fil=a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = (pf_err)PF_ERR_INIT;
        assert_false(pf_columns_check(bad[i], &err));
        assert_int_equal(err.code, PF_ERR_MISUSE);
        assert_true(err.msg[0] != '\0');
    }
    assert_ok(pf_columns_check("file=a,caption=b,caption=c,case=d", &err), &err);
}

static size_t likeness(const char *const *names, const char *asked)
{
    size_t n = 0, out;
    while (names[n])
        n++;
    assert_ok(pf_columns_likeness(&out, names, n, asked, &err), &err);
    return out;
}

static void more_like_a_table(void **state)
{
    (void)state;
    assert_true(likeness(NAMES("file", "text"), NULL) >
                likeness(NAMES("file;text", "a", "b"), NULL));
    assert_true(likeness(NAMES("a", "b"), NULL) > likeness(NAMES("a,b"), NULL));
    assert_true(likeness(NAMES("Bild", "Text, lang"), "file=Bild") >
                likeness(NAMES("Bild;Text", "lang", "x"), "file=Bild"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(common_sense, before),
        cmocka_unit_test_setup(as_told, before),
        cmocka_unit_test_setup(refusals, before),
        cmocka_unit_test_setup(more_like_a_table, before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
