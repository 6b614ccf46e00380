/* test_terms.c - stems, and texts as the words that can be found in them. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/words/stem.h"
#include "core/words/terms.h"
#include "tests/unit/guarded.h"
#include "tests/unit/test_support.h"

static pf_err err;

static const char *stem_of(const char *word)
{
    static char room[128];
    memset(room, '#', sizeof room);
    strcpy(room, word);
    const size_t n = pf_stem(room, strlen(word));
    assert_true(n <= strlen(word) + PF_STEM_ROOM);
    room[n] = '\0';
    return room;
}

/* Porter's own examples, from the paper. */
static void porter_does_what_his_paper_says(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"caresses", "caress"},
        {"ponies", "poni"},
        {"cats", "cat"},
        {"feed", "feed"},
        {"agreed", "agre"},
        {"plastered", "plaster"},
        {"bled", "bled"},
        {"motoring", "motor"},
        {"sing", "sing"},
        {"conflated", "conflat"},
        {"troubled", "troubl"},
        {"sized", "size"},
        {"hopping", "hop"},
        {"falling", "fall"},
        {"hissing", "hiss"},
        {"failing", "fail"},
        {"filing", "file"},
        {"happy", "happi"},
        {"sky", "sky"},
        {"relational", "relat"},
        {"conditional", "condit"},
        {"rational", "ration"},
        {"vietnamization", "vietnam"},
        {"predication", "predic"},
        {"operator", "oper"},
        {"feudalism", "feudal"},
        {"decisiveness", "decis"},
        {"hopefulness", "hope"},
        {"formaliti", "formal"},
        {"triplicate", "triplic"},
        {"formative", "form"},
        {"electrical", "electr"},
        {"goodness", "good"},
        {"revival", "reviv"},
        {"allowance", "allow"},
        {"airliner", "airlin"},
        {"adjustable", "adjust"},
        {"replacement", "replac"},
        {"adoption", "adopt"},
        {"effective", "effect"},
        {"probate", "probat"},
        {"rate", "rate"},
        {"cease", "ceas"},
        {"controll", "control"},
        {"roll", "roll"},
        {"generalizations", "gener"},
        {"oscillators", "oscil"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_equal(stem_of(pairs[i][0]), pairs[i][1]);
}

static void forms_of_a_word_have_one_stem(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"effusions", "effusion"},
        {"pneumothoraces", "pneumothorax"},
        {"metastases", "metastasis"},
        {"vertebrae", "vertebra"},
        {"diverticula", "diverticulum"},
        {"foramina", "foramen"},
        {"stenoses", "stenosis"},
        {"haemorrhages", "hemorrhage"},
        {"oedema", "edema"},
        {"tumours", "tumor"},
        {"oesophageal", "esophageal"},
        {"bronchi", "bronchus"},
        {"emboli", "embolus"},
        {"hila", "hilum"},
        {"atria", "atrium"},
        {"appendices", "appendix"},
        {"apices", "apex"},
        {"fractured", "fractures"},
        {"epiphyses", "epiphysis"},
        {"ischaemia", "ischemia"},
        {"ganglia", "ganglion"},
        {"calculi", "calculus"},
        {"hematomata", "hematoma"},
        {"calcified", "calcifies"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char first[128];
        strcpy(first, stem_of(pairs[i][0]));
        assert_string_equal(first, stem_of(pairs[i][1]));
    }
    assert_string_equal(stem_of("t2"), "t2");
    assert_string_equal(stem_of("2.3"), "2.3");
    assert_string_equal(stem_of("faces"), "face");
    assert_string_equal(stem_of("as"), "as");
    assert_string_equal(stem_of("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyys"),
                        stem_of("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"));
}

/* What a catalog keeps of a text. */
static const char *index_of(const char *text, size_t n)
{
    static char line[4096];
    pf_terms t = {0};
    pf_buf b;
    pf_buf_init(&b, 1 << 20);
    assert_ok(pf_terms_read(&t, text, n, &err), &err);
    assert_ok(pf_terms_index(&t, '\0', &b, &err), &err);
    snprintf(line, sizeof line, "%s", b.size > 0 ? b.data : "");
    pf_buf_free(&b);
    pf_terms_reset(&t);
    return line;
}

static void compounds_are_found_whole_and_in_parts(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"T2-weighted", "t2 weight =t2 =weighted t2weighted"},
        {"L4/L5", "l4 l5 =l4 =l5 l4l5"},
        {"x-ray X\xE2\x80\x93ray", "x rai x rai =x =ray =x =ray xrai xrai"},
        {"C5-6", "c5 6 =c5 =6 c5c6 c6"},
        {"T11\xE2\x80\x93"
         "12 disc",
         "t11 12 disc =t11 =12 =disc t11t12 t12"},
        {"2.3 cm", "2.3 cm =2.3 =cm 23mm"},
        {"2.3cm", "2.3 cm =2.3 =cm 23mm 2.3cm"},
        {"3.7x3.0cm", "3.7 x 3.0 cm =3.7 =x =3.0 =cm 37mm 30mm 3.7x3.0cm"},
        {"3.70 \xC3\x97 0.25 by 12 cm",
         "3.70 0.25 by 12 cm =3.70 =0.25 =by =12 =cm 37mm 2.5mm 120mm"},
        {"0.05 mm 00 cm 1.2.3 cm", "0.05 mm 00 cm 1.2.3 cm =0.05 =mm =00 =cm =1.2.3 "
                                   "=cm 0.05mm 0mm"},
        {"type IV, an IV, grade II/IV",
         "type 4 an iv grade 2 4 =type =iv =an =iv =grade =ii =iv iiiv"},
        {"the fifth and 5th ARDS CTs",
         "the 5th and 5th ards ct =the =fifth =and =5th =ards =cts"},
        {"COVID-19", "covid 19 =covid =19 covid19"},
        {"w/o s/p", "w o s p =w =o =s =p wo sp"},
        {"Crohn's \xE2\x80\x98"
         "bowel\xE2\x80\x99",
         "crohn bowel =crohn =bowel"},
        {"doesn't", "doesnt =doesnt"},
        {"\xC3\x89"
         "d\xC3\xA8me",
         "edem =edeme"},
        {"\xEF\xAC\x81"
         "bula",
         "fibula =fibula"},                /* a ligature */
        {"caf\x65\xCC\x81", "cafe =cafe"}, /* a combining accent */
        {"bad\xFF"
         "bytes",
         "bad byte =bad =bytes"},
        {"", ""},
        {" ,.;- / \xF0\x9F\xA9\xBB", ""},
        {"a - b -c", "a b c =a =b =c"},
        {"3T MRI", "3 t mri =3 =t =mri 3t"},
        {"\"NEAR(a b)\" *", "near a b =near =a =b"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_string_equal(index_of(texts[i][0], strlen(texts[i][0])), texts[i][1]);
}

/* Each gap as a character, 'n' for a line, '~' for a dash, '-' for what is joined. */
static void gaps_part_statements(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"no effusion. Large mass", "  . "},
        {"no effusion; large mass", "  . "},
        {"no effusion, large mass", "  , "},
        {"see fig. 3 vs. e.g. that", "       "},
        {"mass 2.3 cm. It", "   ."},
        {"effusion.No change", " . "},
        {"one\ntwo\n\nthree", "  ."},
        {"T2-weighted: bright (here)", " -:("},
        {"none \xE2\x80\x94 then", " ~"},
        {"mass - no", " ~"},
        {"one\nTwo", " n"},
        {"one,\nTwo", " ,"},
        {"gas? No", " ?"},
        {"at 3:00 and 1:2", "      "},
        {"a\n- b\n* c", " .."},
        {"a \xE2\x80\xA2 b * c 3 * 4", " ..  "},
        {"a 2) b (grade 2) c", " .(( ("},
        {"a\n2. b", " .."},
        {"a\n2.5 b", "   "},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char line[64] = "";
        pf_terms t = {0};
        assert_ok(pf_terms_read(&t, texts[i][0], strlen(texts[i][0]), &err), &err);
        assert_int_equal(t.n, strlen(texts[i][1]));
        for (size_t k = 0; k < t.n; k++)
            line[k] = t.at[k].is_joined ? '-' : " n(,~:?."[t.at[k].gap];
        assert_string_equal(line, texts[i][1]);
        assert_int_equal(t.at[0].start, 0);
        assert_int_equal(t.at[t.n - 1].end <= strlen(texts[i][0]), 1);
        pf_terms_reset(&t);
    }
}

/* Every beginning of a text full of oddities, against a page that may not be read. */
static void nothing_is_read_past_the_end(void **state)
{
    (void)state;
    const char *odd =
        "L4-5's e.g. 2.3cm \xEF\xAC\x81x\xE2\x80\x99s-\xE2\x80\x91 w/o a.B";
    const size_t n = strlen(odd);
    guarded g = guarded_new(n);
    for (size_t k = 0; k <= n; k++)
        index_of((const char *)guarded_put(&g, odd, k), k);
    guarded_free(&g);
}

static void long_words_and_failing_memory_are_survived(void **state)
{
    (void)state;
    static char text[100000];
    memset(text, 'y', sizeof text);
    pf_terms t = {0};
    assert_ok(pf_terms_read(&t, text, sizeof text, &err), &err);
    assert_int_equal(t.n, 1);
    assert_true(strlen(pf_terms_plain(&t, 0)) == PF_TERMS_MAX_WORD);
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        text[i] = '-';
    assert_ok(pf_terms_read(&t, text, sizeof text, &err), &err);
    assert_int_equal(t.n, sizeof text / 2);
    pf_terms_reset(&t);
    for (long n = 1;; n++) {
        pf_mem_fail_at(n);
        const bool ok = pf_terms_read(&t, "T2-weighted x-ray", 17, &err);
        pf_mem_fail_at(0);
        pf_terms_reset(&t);
        if (ok)
            break;
        assert_int_equal(err.code, PF_ERR_NOMEM);
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(porter_does_what_his_paper_says),
        cmocka_unit_test(forms_of_a_word_have_one_stem),
        cmocka_unit_test(compounds_are_found_whole_and_in_parts),
        cmocka_unit_test(gaps_part_statements),
        cmocka_unit_test(nothing_is_read_past_the_end),
        cmocka_unit_test(long_words_and_failing_memory_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
