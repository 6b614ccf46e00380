/* test_mirc.c - MIRC documents and the archives they come in: what is read of them, and
 * that no damage to their bytes does any harm. */
#define _GNU_SOURCE /* mkstemps() */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "indexer/archive.h"
#include "indexer/mirc_document.h"
#include "tests/unit/test_support.h"

enum { ROOM = 2000 };

static pf_err err;

static int before(void **state)
{
    (void)state;
    err = (pf_err)PF_ERR_INIT;
    return 0;
}

/* ---- documents ---- */

/* As text: "*" when it is not public, then "title", then each text as "key=value" or
 * "value", those of a picture with its number, and each picture by its versions. */
static void describe(const pf_mirc_document *d, char *out)
{
    int n =
        snprintf(out, ROOM, "%s%s", d->is_public ? "" : "*", d->title ? d->title : "");
    for (size_t i = 0; i < d->n_texts; i++) {
        const pf_mirc_text *t = &d->texts[i];
        char image[24] = "";
        if (t->image > 0)
            snprintf(image, sizeof image, "%zu:", t->image);
        n += snprintf(out + n, (size_t)(ROOM - n), "|%s%s%s%s", image,
                      t->key ? t->key : "", t->key ? "=" : "", t->value);
    }
    for (size_t i = 0; i < d->n_images; i++) {
        const char *const *src = d->images[i].src;
        n += snprintf(out + n, (size_t)(ROOM - n), "|<%s,%s,%s>", src[0] ? src[0] : "",
                      src[1] ? src[1] : "", src[2] ? src[2] : "");
    }
}

static void expect_of(const char *body, bool as_owner, const char *wanted)
{
    char xml[ROOM], found[ROOM];
    pf_mirc_document d;
    snprintf(xml, sizeof xml, "<MIRCdocument>%s</MIRCdocument>", body);
    err = (pf_err)PF_ERR_INIT;
    if (!pf_mirc_document_read(&d, pf_span_of(xml, strlen(xml)), as_owner, &err))
        fail_msg("%s: %s", body, err.msg);
    assert_true(d.is_mirc);
    describe(&d, found);
    assert_string_equal(found, wanted);
    pf_mirc_document_reset(&d);
}

static void expect(const char *body, const char *wanted)
{
    expect_of(body, false, wanted);
}

static void texts_are_found_by_element_and_by_heading(void **state)
{
    (void)state;
    expect("<title> A\n <b>case</b></title>", "A case|A case");
    expect("<findings>a</findings><section heading='Findings'>b</section>", "|a|b");
    expect("<section heading='DIFFERENTIAL  Diagnosis:'>a</section>", "|a");
    expect("<section heading='Diagnosis'>Cyst</section>", "|Cyst|diagnosis=Cyst");
    expect("<section heading='Modality'>CT; MR</section>", "|modality=CT|modality=MR");
    expect("<section heading='Findings'>a<section>b</section>c</section>", "|a b c");
    expect("<keywords>lung,, nodule </keywords><anatomy>Chest</anatomy>",
           "|keyword=lung|keyword=nodule|anatomy=Chest|lung, nodule, Chest");
    expect("<history><p>a</p>b<br/>c<i>d</i>e<![CDATA[<f>]]>&amp;&#65;</history>",
           "|a b cde<f>&A");
    expect("<findings>a<diagnosis>b</diagnosis>c</findings>", "|b|diagnosis=b|ac");
}

static void people_are_passed_over(void **state)
{
    (void)state;
    expect("<author><name>X</name><title>X</title></author><phi><title>X</title></phi>",
           "");
    expect("<history>a<patient>X<pt-name>X</pt-name><pt-id>X</pt-id></patient>"
           "<patient-name>X</patient-name><mrn>X</mrn><radiologist>X</radiologist>b"
           "</history>",
           "|ab");
    expect("<section heading='Patient'>X</section>"
           "<section heading='Author'>X<image src='X'/></section>"
           "<section heading='References'>X</section>"
           "<section heading='Patient history'>a</section>",
           "|a");
    expect("<patient><pt-sex>female</pt-sex><pt-age>45 years</pt-age></patient>",
           "|sex=F|age=45");
    expect("<patient><pt-age><years> 8 </years><months>X</months></pt-age></patient>",
           "|age=8");
    expect("<patient><pt-sex>X</pt-sex><pt-age>90</pt-age></patient>", "");
    expect("<patient><pt-age>1X</pt-age></patient><pt-age>19470312</pt-age>", "");
    expect("<authorization><owner>X</owner><read>*</read></authorization>", "");
    expect("<!-- X --><?X X?><X>X</X><findings X='X'>a</findings>", "|a");
}

static void owners_see_more(void **state)
{
    (void)state;
    const char *const parts = "<findings visible='owner'>a<diagnosis>b</diagnosis>"
                              "</findings><history visible='no'>c</history>"
                              "<abstract visible='Yes'>d</abstract>"
                              "<discussion visible='sometimes'>e</discussion>"
                              "<p visible='owner'><image src='f'/></p>";
    expect(parts, "|d");
    expect_of(parts, true, "|b|diagnosis=b|a|c|d|e|<,f,>");
    const char *const readers = "<authorization><read>%s</read></authorization>";
    char body[ROOM];
    snprintf(body, sizeof body, readers, "staff, *");
    expect(body, "");
    snprintf(body, sizeof body, readers, "staff");
    expect(body, "*");
    snprintf(body, sizeof body, readers, "");
    expect(body, "*");
    expect("<authorization visible='owner'><read/></authorization>", "*");
    expect("<read>staff</read>", "");
}

static void what_not_surely_everybody_may_read_is_not_public(void **state)
{
    (void)state;
    expect("<authorization><read>*</read></authorization>", "");
    expect("<authorization><read>\n* staff</read></authorization>", "");
    expect("<Authorization><Read>a,*,b</Read></Authorization>", "");
    static const char *const closed[] = {
        "<authorization/>",
        "<authorization>*</authorization>",
        "<authorization><owner>*</owner></authorization>",
        "<authorization><update>*</update></authorization><read>*</read>",
        "<authorization read='*'/>",
        "<authorization><read>dr*smith</read></authorization>",
        "<authorization><read>**</read></authorization>",
        "<authorization><read><x>*</x></read></authorization>",
        "<authorization><read>*</read><read>staff</read></authorization>",
        "<authorization><read>*</read></authorization><authorization/>",
        "<Authorization><Read>staff</Read></Authorization>",
        "<author><AUTHORIZATION/></author>",
    };
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        expect(closed[i], "*");
}

/* As owner, too: what names people is nobody's. */
static void expect_section(const char *heading, bool is_kept)
{
    char body[ROOM];
    snprintf(body, sizeof body,
             "<section heading=\"%s\">X<p>Y</p><image src='a'/><section heading='ID'>"
             "Z</section></section>",
             heading);
    expect_of(body, true, is_kept ? "|X Y|<,a,>" : "|<,a,>");
}

static void headings_that_are_not_known_are_left_out(void **state)
{
    (void)state;
    static const char *const left_out[] = {
        "MRN",
        "Name",
        "Name of patient",
        "Pt. name",
        "Medical Record Number",
        "Accession Number",
        "Acc #",
        "ID",
        "UID",
        "Case ID",
        "SSN",
        "Patienten-ID",
        "Patientenname",
        "Nom du patient",
        "Date of Birth",
        "DOB",
        "Geburtsdatum",
        "Study date",
        "Exam date",
        "Address",
        "Phone",
        "Radiologist",
        "Referring Doctor",
        "Consultant",
        "Operator",
        "Technologist",
        "Signed",
        "Submitted by",
        "Reviewer",
        "Editor",
        "Contributors",
        "Credits",
        "Department",
        "Image information",
        "Patient data",
        "Clinical identification",
        "Scan details",
        "Document Information",
        "Hospital",
        "Hospital of treatment",
        "Identification",
        "Identification of the patient",
        "History #",
        "History no.",
        "Historia N\302\272",
        "Findings by",
        "Diagnosis of John Smith",
        "Authors",
        "Case 12",
        "2024",
        "",
        " ",
        "...",
        "History\302\255MRN",
        "A heading with so many words that nobody would ever have thought of reading "
        "all "
        "of it to its end, Medical Record Number",
        "History history history history history history history history history "
        "history "
        "history history history history history history history history history "
        "history "
        "history history history history history history MRN"};
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        expect_section(left_out[i], false);
    static const char *const kept[] = {"Hospital course",
                                       "Identification of the lesion",
                                       "CLINICAL PRESENTATION:",
                                       "Patient's history",
                                       "Clinical information",
                                       "Imaging findings",
                                       "CT findings",
                                       "X-ray",
                                       "Teaching Points",
                                       "Key points",
                                       "Follow-up",
                                       "Follow\342\200\223up",
                                       "Question 1",
                                       "Differential diagnoses",
                                       "Findings\302\240and outcome",
                                       "Befund",
                                       "BEURTEILUNG",
                                       "Klinische Angaben",
                                       "\303\204TIOLOGIE",
                                       "a\314\210tiologie",
                                       "R\303\251sultats",
                                       "Puntos clave",
                                       "Historia cl\303\255nica"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        expect_section(kept[i], true);
}

static void sections_left_out_are_counted(void **state)
{
    (void)state;
    static const char xml[] =
        "<MIRCdocument><section heading='MRN'>X</section><section heading='A'> <p/>"
        "<image src='a'/></section><section heading='Author'>X</section><section "
        "heading='Findings'><section heading='Editor'>X</section></section>"
        "<section visible='owner' heading='ID'>X</section></MIRCdocument>";
    pf_mirc_document d;
    assert_ok(pf_mirc_document_read(&d, pf_span_of(xml, strlen(xml)), false, &err),
              &err);
    assert_int_equal(d.n_unknown_sections, 2);
    pf_mirc_document_reset(&d);
}

static void capitals_of_names_make_no_difference(void **state)
{
    (void)state;
    expect(
        "<Findings>a<P>b</P><Author>X</Author><Patient><PT-SEX>F</PT-SEX>X</Patient>"
        "</Findings><Phi><History>X</History></Phi><Section Heading='MRN'>X</Section>"
        "<history Visible='owner'>X</history><Image SRC='i'/>",
        "|sex=F|a b|<,i,>");
}

static void pictures_have_versions_and_captions(void **state)
{
    (void)state;
    expect("<image-section><image src='a'><image-caption>x</image-caption>"
           "<alternative-image role='icon' src='i'/>"
           "<alternative-image role='original-dimensions' src='b'/>"
           "<alternative-image role='original-format' src='c'/>"
           "<modality>CT</modality><anatomy>Hip</anatomy></image>"
           "<image src='d'/></image-section><image-caption>y</image-caption>",
           "|1:x|1:modality=CT|1:anatomy=Hip|y|<b,a,c>|<,d,>");
}

static void others_are_none(void **state)
{
    (void)state;
    static const char *const others[] = {"",       " ",        "<html/>",
                                         "<a><b>", "\x1f\x8b", "<mircdocument/>"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        pf_mirc_document d;
        assert_ok(pf_mirc_document_read(&d, pf_span_of(others[i], strlen(others[i])),
                                        false, &err),
                  &err);
        assert_false(d.is_mirc);
        pf_mirc_document_reset(&d);
    }
}

static void read_golden(pf_buf *out, const char *name)
{
    char path[ROOM];
    snprintf(path, sizeof path, "%s/golden/mirc/%s", PF_TESTS_DIR, name);
    pf_buf_init(out, 1 << 20);
    assert_ok(pf_file_read(path, out, &err), &err);
}

/* Read, or refused with a reason; and what it names is known, as far as it goes. */
static void try_document(const char *bytes, size_t n)
{
    pf_mirc_document d;
    err = (pf_err)PF_ERR_INIT;
    if (!pf_mirc_document_read(&d, pf_span_of(bytes, n), false, &err)) {
        assert_true(err.code == PF_ERR_FORMAT || err.code == PF_ERR_LIMIT);
        assert_true(d.is_mirc && err.msg[0]);
    }
    pf_mirc_document_reset(&d);
}

static void damaged_documents_do_no_harm(void **state)
{
    (void)state;
    pf_buf good;
    read_golden(&good, "teaching/20240101/MIRCdocument.xml");
    for (size_t n = 0; n <= good.size; n++)
        try_document(good.data, n);
    for (size_t i = 0; i < good.size; i++) {
        const char was = good.data[i];
        good.data[i] = (char)(was ^ (1 << i % 8));
        try_document(good.data, good.size);
        good.data[i] = was;
    }
    pf_buf_free(&good);
}

/* Each allocation of ours that fails is told of, and costs nothing else. */
static void memory_that_runs_out_is_said(void **state)
{
    (void)state;
    pf_buf good;
    long n = 1;
    read_golden(&good, "teaching/20240101/MIRCdocument.xml");
    for (bool ok = false; !ok; n++) {
        pf_mirc_document d;
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        ok = pf_mirc_document_read(&d, pf_span_of(good.data, good.size), true, &err);
        pf_mem_fail_at(0);
        assert_true(ok || err.code == PF_ERR_NOMEM);
        pf_mirc_document_reset(&d);
    }
    assert_true(n > 20);
    pf_buf_free(&good);
}

/* ---- archives ---- */

static void write_file(const char *path, const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* All that is in it is read, or refused with a reason; how many are read. */
static size_t read_archive(const char *path)
{
    pf_archive *a;
    size_t n = 0;
    err = (pf_err)PF_ERR_INIT;
    if (!pf_archive_open(&a, path, NULL, &err)) {
        assert_null(a);
        assert_true(err.code == PF_ERR_FORMAT || err.code == PF_ERR_LIMIT);
        return 0;
    }
    for (size_t i = 0; i < pf_archive_count(a); i++) {
        pf_buf bytes;
        pf_buf_init(&bytes, 1 << 20);
        err = (pf_err)PF_ERR_INIT;
        const bool ok = pf_archive_read(a, pf_archive_at(a, i), &bytes, &err);
        assert_true(ok || (err.code != PF_OK && err.msg[0]));
        assert_true(!ok || bytes.size == pf_archive_at(a, i)->size);
        n += ok;
        pf_buf_free(&bytes);
    }
    pf_archive_close(a);
    return n;
}

static void damaged_archives_do_no_harm(void **state)
{
    (void)state;
    pf_buf good;
    char path[] = "/tmp/pf-mirc-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    read_golden(&good, "export.zip");
    for (size_t n = 0; n < good.size; n += 7) {
        write_file(path, good.data, n);
        read_archive(path);
    }
    for (size_t i = 0; i < good.size; i += 3) {
        const char was = good.data[i];
        good.data[i] = (char)(was ^ (1 << i % 8));
        write_file(path, good.data, good.size);
        read_archive(path);
        good.data[i] = was;
    }
    write_file(path, good.data, good.size);
    assert_int_equal(read_archive(path), 5);
    unlink(path);
    pf_buf_free(&good);
}

static void files_inside_are_opened_like_others(void **state)
{
    (void)state;
    char zip[ROOM], inside[ROOM + 10], start[3] = "";
    pf_file_stamp of_zip, of_inside;
    int fd;
    snprintf(zip, sizeof zip, "%s/golden/mirc/export.zip", PF_TESTS_DIR);
    snprintf(inside, sizeof inside, "%s/a.pgm", zip);
    assert_int_equal(pf_path_archive(inside), strlen(zip));
    assert_int_equal(pf_path_archive(zip), 0);
    assert_int_equal(pf_path_archive("/nowhere.zip/a.pgm"), 0);
    assert_true(pf_file_look(zip, &of_zip) && pf_file_look(inside, &of_inside));
    assert_true(pf_file_is_as(inside, &of_zip));
    assert_false(pf_path_is_gone(inside));
    assert_true(pf_path_is_gone("/nowhere.zip/a.pgm"));
    assert_true(pf_archive_has_file(zip) && pf_archive_has_file(inside));
    assert_false(pf_archive_has_file("/nowhere.zip/a.pgm"));

    assert_ok(pf_archive_open_file(&fd, inside, NULL, &err), &err);
    assert_int_equal(read(fd, start, 2), 2);
    assert_string_equal(start, "P5");
    assert_int_equal(write(fd, "x", 1), -1); /* nobody changes it */
    close(fd);
    assert_ok(pf_archive_open_file(&fd, zip, NULL, &err), &err);
    assert_int_equal(read(fd, start, 2), 2);
    assert_string_equal(start, "PK");
    close(fd);

    snprintf(inside, sizeof inside, "%s/nobody.pgm", zip);
    assert_false(pf_archive_has_file(inside));
    assert_false(pf_archive_open_file(&fd, inside, NULL, &err));
    assert_int_equal(err.code, PF_ERR_NOT_FOUND);
    err = (pf_err)PF_ERR_INIT;
    snprintf(inside, sizeof inside, "%s/a.pgm", zip);
    assert_false(pf_archive_open_file(&fd, inside, "/usr", &err));
    assert_int_equal(err.code, PF_ERR_UNSUPPORTED);
}

static bool opens(const char *path)
{
    int fd;
    err = (pf_err)PF_ERR_INIT;
    if (!pf_archive_open_file(&fd, path, NULL, &err))
        return false;
    close(fd);
    return true;
}

static void *open_in_thread(void *path)
{
    return opens(path) ? path : NULL;
}

/* The last one stays open, as long as it is the same file. */
static void an_archive_that_changes_is_read_anew(void **state)
{
    (void)state;
    pf_buf good, evil;
    char zip[] = "/tmp/pf-mirc-XXXXXX.zip", inside[ROOM];
    const int fd = mkstemps(zip, 4);
    assert_true(fd >= 0);
    close(fd);
    read_golden(&good, "export.zip");
    read_golden(&evil, "evil.zip");
    snprintf(inside, sizeof inside, "%s/b.pgm", zip);
    for (int i = 0; i < 3; i++) {
        write_file(zip, good.data, good.size);
        assert_true(opens(inside) && opens(inside) && pf_archive_has_file(inside));
        write_file(zip, evil.data, evil.size);
        assert_false(opens(inside) || pf_archive_has_file(inside));
        assert_int_equal(err.code, PF_ERR_NOT_FOUND);
        write_file(zip, good.data, good.size / 2);
        assert_false(opens(inside) || pf_archive_has_file(inside));
        assert_int_equal(err.code, PF_ERR_FORMAT);
    }
    write_file(zip, good.data, good.size);
    assert_true(opens(inside));
    pthread_t thread;
    void *opened = NULL;
    assert_int_equal(pthread_create(&thread, NULL, open_in_thread, inside), 0);
    assert_int_equal(pthread_join(thread, &opened), 0);
    assert_ptr_equal(opened, inside);
    unlink(zip);
    assert_false(opens(inside) || pf_archive_has_file(inside));
    pf_buf_free(&good);
    pf_buf_free(&evil);
}

static void memory_for_archives_that_runs_out_is_said(void **state)
{
    (void)state;
    char inside[ROOM];
    long n = 1;
    snprintf(inside, sizeof inside, "%s/golden/mirc/evil.zip/a.pgm", PF_TESTS_DIR);
    for (bool ok = false; !ok; n++) {
        int fd;
        err = (pf_err)PF_ERR_INIT;
        pf_mem_fail_at(n);
        ok = pf_archive_open_file(&fd, inside, NULL, &err);
        pf_mem_fail_at(0);
        assert_true(ok || (err.code == PF_ERR_NOMEM && fd == -1));
        if (ok)
            close(fd);
    }
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(texts_are_found_by_element_and_by_heading, before),
        cmocka_unit_test_setup(people_are_passed_over, before),
        cmocka_unit_test_setup(owners_see_more, before),
        cmocka_unit_test_setup(what_not_surely_everybody_may_read_is_not_public,
                               before),
        cmocka_unit_test_setup(headings_that_are_not_known_are_left_out, before),
        cmocka_unit_test_setup(sections_left_out_are_counted, before),
        cmocka_unit_test_setup(capitals_of_names_make_no_difference, before),
        cmocka_unit_test_setup(pictures_have_versions_and_captions, before),
        cmocka_unit_test_setup(others_are_none, before),
        cmocka_unit_test_setup(damaged_documents_do_no_harm, before),
        cmocka_unit_test_setup(damaged_archives_do_no_harm, before),
        cmocka_unit_test_setup(memory_that_runs_out_is_said, before),
        cmocka_unit_test_setup(memory_for_archives_that_runs_out_is_said, before),
        cmocka_unit_test_setup(files_inside_are_opened_like_others, before),
        cmocka_unit_test_setup(an_archive_that_changes_is_read_anew, before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
