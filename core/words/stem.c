/*
 * stem.c - see stem.h: three passes over one word.
 *
 *   1. British spelling becomes American: ae and oe, -ise, and pieces of words.
 *   2. Forms that no rule has (forms.inc), and the plurals that Latin and Greek make:
 *      what an English stemmer would leave apart (vertebrae, metastases, foci).
 *   3. Porter's algorithm: M. F. Porter, "An algorithm for suffix stripping", Program
 *      14(3), 1980, with its author's later changes (-bli, -logi), and sinus keeps its
 *      s, so that sinuses is its plural.
 *
 * SQLite's own porter tokenizer knows the third only. A change here changes what is in
 * the catalogs: it needs a migration that empties caption_word (schema/README.md).
 */
#include "core/words/stem.h"

#include <stdbool.h>
#include <string.h>

enum { ABBREVIATION_MAX = 6 }; /* letters */

typedef struct {
    char *s;
    size_t n;
} word;

typedef struct {
    const char *from, *to;
} rule;

/* A word does not end in itself. From the last letter on: it tells most apart. */
static bool ends_in(const word *w, const char *suffix)
{
    const size_t n = strlen(suffix);
    return n < w->n && suffix[n - 1] == w->s[w->n - 1] &&
           memcmp(w->s + w->n - n, suffix, n) == 0;
}

/* Put `to` in place of the last `cut` letters. No rule adds more than two. */
static void replace_end(word *w, size_t cut, const char *to)
{
    w->n -= cut;
    for (; *to; to++)
        w->s[w->n++] = *to;
}

/* ---- spelling -------------------------------------------------------------------- */

static bool is_vowel(char c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

static void remove_letter(word *w, size_t at)
{
    memmove(w->s + at, w->s + at + 1, w->n - at - 1);
    w->n--;
}

/* Is the "ae" or "oe" at `at` one letter of Greek, and not two of English? Not those of
 * aerate, vertebrae, does, echoes, shoe, toed. */
static bool is_digraph(const word *w, size_t at)
{
    const size_t behind = w->n - at - 2;
    if (w->s[at + 1] != 'e' || behind == 0)
        return false;
    if (w->s[at] == 'a')
        return at > 0 || w->s[2] != 'r';
    return w->s[at] == 'o' && (at == 0 || w->n >= 6) &&
           !(at == 1 && strchr("dgst", w->s[0])) &&
           !(behind == 1 && strchr("sdr", w->s[w->n - 1]));
}

/* haem, foetus, gastro-oesophageal: the e alone stays. */
static void drop_digraphs(word *w)
{
    for (size_t at = 0; at + 2 < w->n;) {
        if (!is_digraph(w, at)) {
            at++;
            continue;
        }
        remove_letter(w, at);
        at -= at > 0;
    }
}

/* Pieces of words, by their first letter; each at most once. None makes a word longer
 * by more than one letter. */
static const rule
    in_a[] = {{"aluminium", "aluminum"}, {"armour", "armor"}, {"artefact", "artifact"},
              {"avour", "avor"},         {"annul", "anul"},   {0}},
    in_b[] = {{"behaviour", "behavior"}, {0}},
    in_c[] = {{"calibre", "caliber"},  {"calice", "calyce"},
              {"centred", "centered"}, {"centring", "centering"},
              {"centre", "center"},    {"cesarian", "cesarean"},
              {"colour", "color"},     {0}},
    in_d[] = {{"defence", "defense"}, {"disk", "disc"}, {0}},
    in_f[] = {{"fibre", "fiber"}, {"focuss", "focus"}, {0}},
    in_g[] = {{"goitre", "goiter"},
              {"grammed", "gramed"},
              {"gramme", "gram"},
              {"grey", "gray"},
              {0}},
    in_h[] = {{"harbour", "harbor"},
              {"hiccough", "hiccup"},
              {"honour", "honor"},
              {"humour", "humor"},
              {0}},
    in_l[] = {{"labour", "labor"},
              {"leuc", "leuk"},
              {"licence", "license"},
              {"litre", "liter"},
              {"logue", "log"},
              {"lustre", "luster"},
              {0}},
    in_m[] = {{"meagre", "meager"}, {"metre", "meter"}, {"mould", "mold"}, {0}},
    in_n[] = {{"neighbour", "neighbor"},
              {"neurism", "neurysm"},
              {"neuvre", "neuver"},
              {"neuvri", "neuveri"},
              {0}},
    in_o[] = {{"odour", "odor"}, {"offence", "offense"}, {"orientat", "orient"}, {0}},
    in_r[] = {{"rigour", "rigor"}, {"rontgen", "rentgen"}, {"rumour", "rumor"}, {0}},
    in_s[] = {{"spectre", "specter"}, {"sulph", "sulf"}, {0}},
    in_t[] = {{"theatre", "theater"}, {"titre", "titer"}, {"tumour", "tumor"}, {0}},
    in_v[] = {{"vapour", "vapor"}, {"vigour", "vigor"}, {0}};

static const rule *const spellings['z' - 'a' + 1] = {
    ['a' - 'a'] = in_a, ['b' - 'a'] = in_b, ['c' - 'a'] = in_c, ['d' - 'a'] = in_d,
    ['f' - 'a'] = in_f, ['g' - 'a'] = in_g, ['h' - 'a'] = in_h, ['l' - 'a'] = in_l,
    ['m' - 'a'] = in_m, ['n' - 'a'] = in_n, ['o' - 'a'] = in_o, ['r' - 'a'] = in_r,
    ['s' - 'a'] = in_s, ['t' - 'a'] = in_t, ['v' - 'a'] = in_v};

static bool stands_at(const word *w, size_t at, const char *piece)
{
    const size_t n = strlen(piece);
    return n <= w->n - at && memcmp(w->s + at, piece, n) == 0;
}

static void replace_at(word *w, size_t at, const rule *r)
{
    const size_t from = strlen(r->from), to = strlen(r->to);
    memmove(w->s + at + to, w->s + at + from, w->n - at - from);
    memcpy(w->s + at, r->to, to);
    w->n = w->n - from + to;
}

static void replace_pieces(word *w)
{
    bool has_grown = false; /* there is room for one letter more */
    for (size_t at = 0; at + 3 < w->n; at++) {
        const rule *r = spellings[w->s[at] - 'a'];
        while (r && r->from && !stands_at(w, at, r->from))
            r++;
        if (!r || !r->from || (has_grown && strlen(r->to) > strlen(r->from)))
            continue;
        has_grown |= strlen(r->to) > strlen(r->from);
        replace_at(w, at, r);
    }
}

/* -ise, -isation and their forms with a z, also -yse. Not behind a vowel, c or v
 * (raise, excise, supervise), whose nouns in -sion have an s as well, nor in short
 * words (rise); what else is no -ize (promise) gets its z in all of its forms, or
 * stands in forms.inc. */
static void write_z(word *w)
{
    static const char *const ends[] = {"e",     "ed",     "er",     "ers",
                                       "es",    "ing",    "ings",   "able",
                                       "ation", "ations", "ational"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (!ends_in(w, ends[i]))
            continue;
        const size_t behind = w->n - strlen(ends[i]);
        if (behind < 5 || w->s[behind - 1] != 's')
            continue;
        const char vowel = w->s[behind - 2], before = w->s[behind - 3];
        const bool is_ise =
            vowel == 'i' && !is_vowel(before) && before != 'c' && before != 'v';
        const bool is_yse = vowel == 'y' && before == 'l' && i != 4;
        if (is_ise || is_yse)
            w->s[behind - 1] = 'z';
        return;
    }
}

/* ---- irregular forms ------------------------------------------------------------- */

typedef struct {
    const char *from, *to; /* `to` behind a '=' is the stem itself */
} form;

static const form forms[] = {
#include "core/words/forms.inc"
};

static const form *find_form(const word *w)
{
    size_t low = 0, high = sizeof forms / sizeof *forms;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const char *from = forms[middle].from;
        const int order = strncmp(from, w->s, w->n);
        if (order == 0 && from[w->n] == '\0')
            return &forms[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- Latin and Greek plurals ----------------------------------------------------- */

/* Ends of plurals, by their last letter, long enough that no other word has them. */
static const rule
    plurals_a[] = {{"omata", "oma"},
                   {"emata", "ema"},
                   {"ticula", "ticulum"},
                   {"ramina", "ramen"},
                   {"atria", "atrium"},
                   {"hila", "hilum"},
                   {"tabula", "tabulum"},
                   {"anglia", "anglion"},
                   {"undibula", "undibulum"},
                   {"epta", "eptum"},
                   {"ostia", "ostium"},
                   {"lumina", "lumen"},
                   {"thelia", "thelium"},
                   {"bacteria", "bacterium"},
                   {"ecula", "eculum"},
                   {"inculum", "inculum"},
                   {"ebella", "ebellum"},
                   {"astina", "astinum"},
                   {"phenomena", "phenomenon"},
                   {"criteria", "criterion"},
                   {"chondria", "chondrium"},
                   {"stigmata", "stigma"},
                   {"stomata", "stoma"},
                   {"menta", "mentum"},
                   {"itula", "itulum"},
                   {"pectra", "pectrum"},
                   {"trigona", "trigonum"},
                   {0}},
    plurals_e[] = {{"ae", "a"}, {0}},
    plurals_i[] =
        {{"bronchi", "bronchus"}, {"rombi", "rombus"},     {"mboli", "mbolus"},
         {"alculi", "alculus"},   {"menisci", "meniscus"}, {"uclei", "ucleus"},
         {"alli", "allus"},       {"ochlei", "ochleus"},   {"humeri", "humerus"},
         {"fungi", "fungus"},     {"ulci", "ulcus"},       {"thalami", "thalamus"},
         {"campi", "campus"},     {"alleoli", "alleolus"}, {"lveoli", "lveolus"},
         {"chioli", "chiolus"},   {"meruli", "merulus"},   {"liculi", "liculus"},
         {"ciculi", "ciculus"},   {"triculi", "triculus"}, {"acculi", "acculus"},
         {"sophagi", "sophagus"}, {"cocci", "coccus"},     {"acilli", "acillus"},
         {"stimuli", "stimulus"}, {"lcanei", "lcaneus"},   {"mbilici", "mbilicus"},

         {"oduli", "odulus"},     {"ubuli", "ubulus"},     {0}},
    plurals_s[] = {{"thoraces", "thorax"}, {"endices", "endix"},
                   {"cortices", "cortex"}, {"apices", "apex"},
                   {"matrices", "matrix"}, {"vertices", "vertex"},
                   {"vortices", "vortex"}, {"varices", "varix"},
                   {"cervices", "cervix"}, {"calyces", "calyx"},
                   {"helices", "helix"},   {"ornices", "ornix"},
                   {"halanges", "halanx"}, {"arynges", "arynx"},
                   {"pelves", "pelvis"},   {"stases", "stasis"},
                   {"ectases", "ectasis"}, {"yses", "ysis"},
                   {"theses", "thesis"},   {"areses", "aresis"},
                   {"odeses", "odesis"},   {"ureses", "uresis"},
                   {"itides", "itis"},     {"idymides", "idymis"},
                   {"poses", "pose"},      {"closes", "close"},
                   {"rdoses", "rdosis"},   {"idoses", "idosis"},
                   {"doses", "dose"},      {"loses", "lose"},
                   {"ooses", "oose"},      {"noses", "nosis"},
                   {"oses", "osis"},       {0}},
    plurals_x[] = {{"eaux", "eau"}, {0}};

static void singular(word *w)
{
    const char last = w->s[w->n - 1];
    const rule *r = last == 'a'   ? plurals_a
                    : last == 'e' ? plurals_e
                    : last == 'i' ? plurals_i
                    : last == 's' ? plurals_s
                    : last == 'x' ? plurals_x
                                  : NULL;
    if (w->n < 4)
        return;
    for (; r && r->from; r++) {
        const size_t n = strlen(r->from);
        if (n <= w->n && memcmp(w->s + w->n - n, r->from, n) == 0) {
            replace_end(w, n, r->to);
            return;
        }
    }
}

/* ---- Porter --------------------------------------------------------------------- */

/* Is letter i a consonant? A 'y' is one at the beginning and behind a vowel: with the
 * run of them walked to its start, since "yyyy" must not cost a stack. */
static bool is_consonant(const word *w, size_t i)
{
    bool is_turned = false;
    for (;;) {
        const char c = w->s[i];
        if (c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u')
            return is_turned;
        if (c != 'y' || i == 0)
            return !is_turned;
        is_turned = !is_turned; /* the opposite of the letter before */
        i--;
    }
}

/* m of the first n letters: how often a vowel is followed by a consonant. */
static int measure(const word *w, size_t n)
{
    int m = 0;
    bool was_vowel = false;
    for (size_t i = 0; i < n; i++) {
        const bool is_vowel = !is_consonant(w, i);
        m += was_vowel && !is_vowel;
        was_vowel = is_vowel;
    }
    return m;
}

static bool has_vowel(const word *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_consonant(w, i))
            return true;
    }
    return false;
}

/* *d: the first n letters end in twice the same consonant. */
static bool is_doubled(const word *w, size_t n)
{
    return n >= 2 && w->s[n - 1] == w->s[n - 2] && is_consonant(w, n - 1);
}

/* *o: they end consonant, vowel, consonant, the last one not w, x or y. */
static bool is_short(const word *w, size_t n)
{
    return n >= 3 && is_consonant(w, n - 1) && !is_consonant(w, n - 2) &&
           is_consonant(w, n - 3) && !strchr("wxy", w->s[n - 1]);
}

/* The first rule whose suffix fits decides, whether its stem is long enough or not. */
static void apply(word *w, const rule *rules, size_t n_rules, int longer_than)
{
    for (size_t i = 0; i < n_rules; i++) {
        if (!ends_in(w, rules[i].from))
            continue;
        const size_t cut = strlen(rules[i].from);
        if (measure(w, w->n - cut) > longer_than)
            replace_end(w, cut, rules[i].to);
        return;
    }
}

static void step_1a(word *w)
{
    if (w->n == 3)
        return; /* more often an abbreviation than a plural: "mis", "cns" */
    if (ends_in(w, "sses"))
        w->n -= 2;
    else if (ends_in(w, "ies"))
        w->n -= 2;
    else if (ends_in(w, "uses") && w->n > 5 && !is_vowel(w->s[w->n - 5]))
        w->n -= 2;
    else if (ends_in(w, "us") && !ends_in(w, "ous"))
        return;
    else if (ends_in(w, "s") && w->s[w->n - 2] != 's')
        w->n -= 1;
}

static void step_1b(word *w)
{
    if (ends_in(w, "eed")) {
        if (measure(w, w->n - 3) > 0)
            w->n -= 1;
        return;
    }
    const size_t cut = ends_in(w, "ed") ? 2 : ends_in(w, "ing") ? 3 : 0;
    if (cut == 0 || !has_vowel(w, w->n - cut))
        return;
    w->n -= cut;
    if (ends_in(w, "at") || ends_in(w, "bl") || ends_in(w, "iz"))
        replace_end(w, 0, "e");
    else if (is_doubled(w, w->n) && !strchr("lsz", w->s[w->n - 1]))
        w->n -= 1;
    else if ((measure(w, w->n) == 1 && is_short(w, w->n)) ||
             (w->n == 2 && is_vowel(w->s[0]))) /* aged, used */
        replace_end(w, 0, "e");
}

static void step_1c(word *w)
{
    if (ends_in(w, "y") && has_vowel(w, w->n - 1))
        w->s[w->n - 1] = 'i';
}

static void steps_2_and_3(word *w)
{
    static const rule second[] = {
        {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"},   {"anci", "ance"},
        {"izer", "ize"},    {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"},
        {"eli", "e"},       {"ousli", "ous"},   {"ization", "ize"}, {"ation", "ate"},
        {"ator", "ate"},    {"alism", "al"},    {"iveness", "ive"}, {"fulness", "ful"},
        {"ousness", "ous"}, {"aliti", "al"},    {"iviti", "ive"},   {"biliti", "ble"},
        {"logi", "log"},
    };
    static const rule third[] = {
        {"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"},
        {"ical", "ic"},  {"ful", ""},   {"ness", ""},
    };
    apply(w, second, sizeof second / sizeof *second, 0);
    apply(w, third, sizeof third / sizeof *third, 0);
}

static void step_4(word *w)
{
    static const rule fourth[] = {
        {"al", ""},   {"ance", ""},  {"ence", ""},  {"er", ""},    {"ic", ""},
        {"able", ""}, {"ible", ""},  {"ant", ""},   {"ement", ""}, {"ment", ""},
        {"ent", ""},  {"sion", "s"}, {"tion", "t"}, {"ou", ""},    {"ism", ""},
        {"ate", ""},  {"iti", ""},   {"ous", ""},   {"ive", ""},   {"ize", ""},
    };
    for (size_t i = 0; i < sizeof fourth / sizeof *fourth; i++) {
        if (!ends_in(w, fourth[i].from))
            continue;
        const size_t stem = w->n - strlen(fourth[i].from) + strlen(fourth[i].to);
        if (measure(w, stem) > 1)
            w->n = stem; /* the s or t of -sion and -tion stands there already */
        return;
    }
}

static void step_5(word *w)
{
    if (ends_in(w, "e") && w->n > 3) { /* use is not US */
        const int m = measure(w, w->n - 1);
        if (m > 1 || (m == 1 && !is_short(w, w->n - 1)))
            w->n -= 1;
    }
    if (w->s[w->n - 1] == 'l' && is_doubled(w, w->n) && measure(w, w->n) > 1)
        w->n -= 1;
}

/* Porter would make sinus of sinusitis, and hepatitis hepatic. */
static bool is_inflammation(const word *w)
{
    return ends_in(w, "itis") && w->n > 5;
}

static bool is_plain(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] < 'a' || s[i] > 'z')
            return false;
    }
    return n >= 3;
}

/* Returns whether that is the stem. */
static bool replace_form(word *w, const form *f)
{
    const bool is_stem = f->to[0] == '=';
    replace_end(w, w->n, f->to + is_stem);
    return is_stem;
}

size_t pf_stem(char *s, size_t n)
{
    word w = {s, n};
    if (!is_plain(s, n))
        return n;
    drop_digraphs(&w);
    replace_pieces(&w);
    write_z(&w);
    const form *f = find_form(&w);
    if (f && replace_form(&w, f))
        return w.n;
    if (!f)
        singular(&w);
    if (is_inflammation(&w))
        return w.n;
    step_1a(&w);
    step_1b(&w);
    step_1c(&w);
    steps_2_and_3(&w);
    step_4(&w);
    step_5(&w);
    return w.n;
}

size_t pf_stem_of_capitals(char *s, size_t n)
{
    word w = {s, n};
    const form *f = is_plain(s, n) && s[n - 1] == 's' ? find_form(&w) : NULL;
    if (!f && n <= ABBREVIATION_MAX && n > 0 && s[n - 1] == 's')
        return n;
    return pf_stem(s, n);
}
