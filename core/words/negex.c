/*
 * negex.c - see negex.h.
 *
 * The text is read once, and at each term the longest phrase of the list (cues.h) that
 * begins there is taken: so "no change" is not "no", and "is not seen" not "not". Of
 * two that overlap, a denial or pseudo that goes further wins: "was negative for". What
 * a phrase denies reaches
 *
 *   pre    forward, from behind the phrase
 *   post   backward, from before it
 *   word   to the next word
 *
 * to the end of the sentence (full stop, the next line or entry of a list, a heading),
 * to a colon, a size, "with", to the next phrase that denies or that is a `stop`, and
 * no further than WINDOW words. NegEx has a window of five "tokens", where a disease of
 * several words is one; here a disease is as many words as it has, so the window is a
 * little wider, and each comma, "or", "and" begins it anew: reports deny long lists. A
 * pre without anything behind it is an answer, and denies as a post: "Effusion: no".
 *
 * Within that reach some words are spared, for what is denied of a thing is no denial
 * of the thing: "no enhancement of the lesion", "no metastases in the liver". So words
 * behind a preposition are there, up to the next comma or "or", but not what there are
 * no signs of ("no areas of necrosis"). In lists organs go together: in "none in liver
 * or spleen" the spleen is there as well.
 *
 * NegEx does not look at commas. "No pneumothorax, large effusion" is common enough to
 * be worth a rule: the comma ends it when a statement of its own follows (`new` at its
 * beginning, `verb` anywhere in it) and no "or" comes later, since "no consolidation,
 * large effusion or pneumothorax" is still one list.
 */
#include "core/words/negex.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/words/cues.h"
#include "core/words/texts.h"

enum {
    WINDOW = 6,
    WINDOW_BACK = 12, /* a subject has what belongs to it before its verb */
    PRIOR_WORDS = 8,  /* behind a post, for "on the prior CT" */
    LABEL_WORDS = 4,  /* of a heading within a line */
};

/* In `kinds`: of the phrase a term belongs to, and whether it is its first; what comes
 * later in its sentence; whether it is spared. */
enum {
    KIND_MASK = 15,
    IS_FIRST = 16,
    OR_LATER = 32,
    VERB_LATER = 64,
    IS_LABEL = 128,
    IS_SPARED = 256,
};

struct pf_negex {
    pf_cues *cues;
};

bool pf_negex_parse(pf_negex **out, const char *text, size_t n, const char *name,
                    pf_err *err)
{
    *out = NULL;
    pf_negex *x = pf_zalloc(sizeof *x, err);
    if (!x)
        return false;
    if (!pf_cues_parse(&x->cues, text, n, name, err)) {
        pf_free(x);
        return false;
    }
    *out = x;
    return true;
}

bool pf_negex_new(pf_negex **out, pf_err *err)
{
    return pf_negex_parse(out, pf_text_negex, pf_text_negex_size, "negex.txt", err);
}

/* Nothing is denied but by a phrase of these kinds (denies()). */
bool pf_negex_choose(const pf_negex *x, pf_negex_count_fn *count,
                     pf_negex_word_fn *take, void *user, pf_err *err)
{
    const unsigned kinds =
        1u << PF_CUE_PRE | 1u << PF_CUE_POST | 1u << PF_CUE_RESULT | 1u << PF_CUE_WORD;
    return pf_cues_choose(x->cues, kinds, count, take, user, err);
}

void pf_negex_free(pf_negex *x)
{
    if (!x)
        return;
    pf_cues_free(x->cues);
    pf_free(x);
}

/* ---- words ----------------------------------------------------------------------- */

typedef struct {
    const pf_negex *x;
    const pf_terms *t;
    uint16_t *kinds; /* [t->n] */
} reading;

static pf_cue kind_of(const reading *r, size_t i)
{
    return (pf_cue)(r->kinds[i] & KIND_MASK);
}

static bool is_word(const reading *r, size_t i, const char *word)
{
    return strcmp(pf_terms_plain(r->t, i), word) == 0;
}

static bool is_one_of(const reading *r, size_t i, const char *const *words, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (is_word(r, i, words[k]))
            return true;
    }
    return false;
}

static bool joins_list(const reading *r, size_t i)
{
    static const char *const words[] = {"or", "nor", "and"};
    return is_one_of(r, i, words, sizeof words / sizeof *words);
}

/* What follows them belongs to what stands before. */
static bool is_preposition(const reading *r, size_t i)
{
    static const char *const words[] = {
        "of",      "in",      "within",    "inside",     "into",      "at",
        "on",      "along",   "around",    "near",       "to",        "from",
        "between", "by",      "through",   "throughout", "involving", "affecting",
        "during",  "after",   "before",    "following",  "beyond",    "under",
        "above",   "below",   "behind",    "beneath",    "across",    "over",
        "outside", "against", "via",       "toward",     "towards",   "among",
        "upon",    "for",     "regarding", "about",      "per"};
    const bool is_in_compound = /* "right-to-left" */
        r->t->at[i].is_joined || (i + 1 < r->t->n && r->t->at[i + 1].is_joined);
    return kind_of(r, i) == PF_CUE_NONE && !is_in_compound &&
           is_one_of(r, i, words, sizeof words / sizeof *words);
}

static bool is_definite(const reading *r, size_t i)
{
    static const char *const words[] = {"the",   "this", "that", "these",
                                        "those", "its",  "their"};
    return is_one_of(r, i, words, sizeof words / sizeof *words);
}

/* Words that cannot be the last of a line that is a statement. */
static bool is_dangling(const reading *r, size_t i)
{
    static const char *const words[] = {"a", "an", "any", "the", "either", "with"};
    return joins_list(r, i) || is_preposition(r, i) ||
           is_one_of(r, i, words, sizeof words / sizeof *words);
}

static pf_gap gap_at(const reading *r, size_t i)
{
    return i < r->t->n ? r->t->at[i].gap : PF_GAP_STOP;
}

/* Comma, bracket or dash: what may part the things of a list. */
static bool parts_list(pf_gap gap)
{
    return gap == PF_GAP_BRACKET || gap == PF_GAP_COMMA || gap == PF_GAP_DASH;
}

/* Does a sentence end before term i? */
static bool is_over(const reading *r, size_t i)
{
    const pf_gap gap = gap_at(r, i);
    return gap >= PF_GAP_QUESTION ||
           (gap == PF_GAP_LINE && i > 0 && !is_dangling(r, i - 1));
}

/* "4 cm" */
static bool is_size(const reading *r, size_t i)
{
    static const char *const units[] = {"mm", "cm", "ml", "cc", "mg", "kg", "hu"};
    const char *word = pf_terms_plain(r->t, i);
    return word[0] != '\0' && word[strspn(word, "0123456789.")] == '\0' &&
           i + 1 < r->t->n && is_one_of(r, i + 1, units, sizeof units / sizeof *units);
}

/* ---- phrases in a text ----------------------------------------------------------- */

static bool make_room(pf_negations *out, size_t n, pf_err *err)
{
    while (out->room_kinds < n) {
        if (!pf_grow_array(&out->kinds, &out->room_kinds, out->room_kinds,
                           sizeof *out->kinds, err))
            return false;
    }
    while (out->room_reach < n) {
        if (!pf_grow_array(&out->reach, &out->room_reach, out->room_reach,
                           sizeof *out->reach, err))
            return false;
    }
    return true;
}

/* Does a statement end before term i, or go on with a circumstance? */
static bool is_at_end(const reading *r, size_t i)
{
    static const char *const words[] = {"on", "by",    "with", "at",
                                        "in", "after", "today"};
    return gap_at(r, i) != PF_GAP_SPACE ||
           is_one_of(r, i, words, sizeof words / sizeof *words);
}

/* Does a denial, or what only looks like one, begin within terms i .. i+n-1 and go on
 * behind them? Not with their first. */
static bool is_overtaken(const reading *r, size_t i, size_t n)
{
    for (size_t k = 1; k < n; k++) {
        const pf_cue_match m = pf_cues_find(r->x->cues, r->t, i + k);
        if ((m.kind == PF_CUE_PRE || m.kind == PF_CUE_PSEUDO) && k + m.n_terms > n)
            return true;
    }
    return false;
}

static bool is_year(const reading *r, size_t i)
{
    const char *word = pf_terms_plain(r->t, i);
    return strlen(word) == 4 && strspn(word, "0123456789") == 4 &&
           (strncmp(word, "19", 2) == 0 || strncmp(word, "20", 2) == 0);
}

/* "not seen on the prior CT", "not seen in 2003": then it is new. */
static bool is_of_prior(const reading *r, size_t i)
{
    static const char *const ends[] = {"but", "compared", "comparison", "now"};
    for (size_t k = i; k < i + PRIOR_WORDS && gap_at(r, k) == PF_GAP_SPACE; k++) {
        if (pf_cues_find(r->x->cues, r->t, k).kind == PF_CUE_PRIOR || is_year(r, k))
            return true;
        if (joins_list(r, k) || is_one_of(r, k, ends, sizeof ends / sizeof *ends))
            return false;
    }
    return false;
}

/* "Effusion: no", "effusion (none)", "effusion no, ...", "no" at the end of its line.
 */
static bool is_answer(const reading *r, size_t i, size_t end)
{
    const pf_gap before = gap_at(r, i);
    if (i == 0 || end != i + 1 || before == PF_GAP_STOP || before == PF_GAP_LINE)
        return false;
    if (is_over(r, end) || end == r->t->n)
        return true;
    if (before == PF_GAP_SPACE)
        return gap_at(r, end) == PF_GAP_COMMA && !is_dangling(r, i - 1) &&
               kind_of(r, i - 1) != PF_CUE_VERB;
    return before >= PF_GAP_BRACKET && gap_at(r, end) >= PF_GAP_BRACKET;
}

/* "Patient no. 15", "a resolution of 0.3 mm"; but "no 5 mm nodule". */
static bool is_numbering(const reading *r, size_t i, size_t end)
{
    if (end == r->t->n || parts_list(gap_at(r, end)))
        return false;
    const char *word = pf_terms_plain(r->t, end);
    return word[0] >= '0' && word[0] <= '9' &&
           !(is_word(r, i, "no") && is_size(r, end));
}

/* The phrase that begins with term i, as what it is there: "ruled out" and "absent" may
 * stand before or behind what they deny: behind it at the end of a statement. */
static pf_cue_match phrase_at(const reading *r, size_t i)
{
    pf_cue_match m = pf_cues_find(r->x->cues, r->t, i);
    const size_t end = i + m.n_terms;
    const bool is_start = i == 0 || gap_at(r, i) >= PF_GAP_QUESTION;
    if (m.kind == PF_CUE_NONE || m.kind >= PF_CUE_PRIOR)
        return m;
    if (is_overtaken(r, i, m.n_terms) ||
        (m.kind == PF_CUE_PRE && is_numbering(r, i, end)))
        return (pf_cue_match){0};
    if (m.may_be_post && m.kind == PF_CUE_PRE && !is_start && is_at_end(r, end))
        m.kind = PF_CUE_POST;
    if (m.kind == PF_CUE_PRE && is_answer(r, i, end))
        m.kind = PF_CUE_POST;
    const bool is_behind = m.kind == PF_CUE_POST || m.kind == PF_CUE_RESULT;
    if (is_behind && m.n_terms == 1 && !is_at_end(r, end))
        return (pf_cue_match){0}; /* "negative pressure" */
    if (is_behind && is_of_prior(r, end))
        m.kind = PF_CUE_PSEUDO;
    else if (m.kind == PF_CUE_POST && (i == 0 || gap_at(r, i) == PF_GAP_STOP))
        m.kind = PF_CUE_PRE; /* "Not seen: the appendix" */
    return m;
}

static void find_phrases(const reading *r)
{
    for (size_t i = 0; i < r->t->n;) {
        const pf_cue_match m = phrase_at(r, i);
        const size_t n = m.n_terms > 0 ? m.n_terms : 1;
        for (size_t k = 0; k < n; k++)
            r->kinds[i + k] = (uint16_t)(m.kind | (k == 0 ? IS_FIRST : 0));
        i += n;
    }
}

/* ---- what comes later ------------------------------------------------------------ */

/* Note what follows each term, itself included: an "or" in this sentence, before a
 * STOP; a verb before the next comma; the colon of a heading. From the end, so that
 * each term is looked at once, however long a sentence is. */
static void look_ahead(const reading *r)
{
    uint16_t later = 0;
    int to_colon = LABEL_WORDS + 1;
    for (size_t i = r->t->n; i-- > 0;) {
        const pf_cue k = kind_of(r, i);
        const pf_gap gap = gap_at(r, i + 1);
        if (is_over(r, i + 1) || k == PF_CUE_STOP)
            later &= (uint16_t)~OR_LATER;
        if (gap != PF_GAP_SPACE)
            later &= (uint16_t)~VERB_LATER;
        if (k != PF_CUE_STOP && (is_word(r, i, "or") || is_word(r, i, "nor")))
            later |= OR_LATER;
        if (k == PF_CUE_VERB)
            later |= VERB_LATER;
        to_colon = gap == PF_GAP_COLON ? 1 : gap == PF_GAP_SPACE ? to_colon + 1 : 99;
        r->kinds[i] |= (uint16_t)(later | (to_colon <= LABEL_WORDS ? IS_LABEL : 0));
    }
}

/* Does a statement of its own begin with term i, which stands behind a comma or "and"?
 */
static bool begins_statement(const reading *r, size_t i)
{
    return !(r->kinds[i] & OR_LATER) &&
           (kind_of(r, i) == PF_CUE_NEW || (r->kinds[i] & VERB_LATER));
}

/* "IMPRESSION: ...", "Heart: ..." within a line. */
static bool begins_label(const reading *r, size_t i)
{
    return (r->kinds[i] & IS_LABEL) && kind_of(r, i) != PF_CUE_OBJECT &&
           r->t->at[i].is_capital;
}

/* ---- how far they reach ---------------------------------------------------------- */

/* Is the thing named from term i on, up to the next word that is none of its, an organ?
 * Looks at a few words only. */
static bool is_place(const reading *r, size_t i)
{
    bool is = false;
    for (size_t k = i; k < i + LABEL_WORDS && k < r->t->n; k++) {
        if ((k > i && gap_at(r, k) != PF_GAP_SPACE) || joins_list(r, k) ||
            is_preposition(r, k))
            break;
        is = kind_of(r, k) == PF_CUE_PLACE;
    }
    return is;
}

/* Going through a list of things with what belongs to each: are we at what belongs? */
typedef struct {
    bool is_spared;
    bool has_thing;  /* a word of what is denied has come */
    bool is_between; /* two things: the next "and" begins no other */
} belonging;

static void begin_thing(const reading *r, size_t i, belonging *b)
{
    if (b->is_between || (b->is_spared && is_place(r, i)))
        b->is_between = false;
    else
        *b = (belonging){0};
}

/* "areas of" and "findings suspicious for" lead to what is denied, too. */
static bool leads_on(const reading *r, size_t i)
{
    return i > 0 && kind_of(r, i - 1) == PF_CUE_SIGN &&
           (is_word(r, i, "of") || is_word(r, i, "for"));
}

static void step(const reading *r, size_t i, bool is_forward, belonging *b)
{
    const bool ends_before = gap_at(r, i) >= PF_GAP_BRACKET;
    if (joins_list(r, i))
        begin_thing(r, i + 1, b);
    else if (ends_before)
        begin_thing(r, i, b);
    if ((is_preposition(r, i) && !leads_on(r, i)) || is_word(r, i, "with")) {
        b->is_spared = true;
        b->is_between = is_word(r, i, "between");
    } else if (is_forward && b->has_thing && is_definite(r, i) && !leads_on(r, i - 1))
        b->is_spared = true; /* "without entering the tumor" */
    else if (kind_of(r, i) == PF_CUE_LIKE)
        b->is_spared = false;
    else if (!joins_list(r, i) && !is_preposition(r, i))
        b->has_thing = true;
    if (b->is_spared)
        r->kinds[i] |= IS_SPARED;
    else
        r->kinds[i] &= (uint16_t)~IS_SPARED;
}

/* Does the reach of a pre that ends before `from` end before term i? `is_first`: no
 * comma or "or" has come. */
static bool ends_forward(const reading *r, size_t from, size_t i, bool is_first)
{
    const pf_gap gap = gap_at(r, i);
    const pf_cue k = kind_of(r, i);
    if (k == PF_CUE_STOP || k == PF_CUE_PRE || k == PF_CUE_WORD ||
        gap >= PF_GAP_QUESTION)
        return true;
    if (is_word(r, i, "with") && k == PF_CUE_NONE)
        return true;
    if (i == from)
        return false;
    if (is_word(r, from - 1, "without") && k == PF_CUE_VERB)
        return true; /* "patients without fever have" */
    if ((k == PF_CUE_LIKE && !is_first) || is_over(r, i) || is_size(r, i) ||
        begins_label(r, i))
        return true;
    if (gap == PF_GAP_COLON && !is_word(r, i - 1, "following"))
        return true;
    const bool is_part = parts_list(gap) || is_word(r, i - 1, "and");
    return is_part && begins_statement(r, i);
}

/* Is term i the last of an `object`, and of no list? */
static bool ends_object(const reading *r, size_t i)
{
    if (kind_of(r, i) != PF_CUE_OBJECT)
        return false;
    if (i + 1 == r->t->n)
        return true;
    const bool is_list = joins_list(r, i + 1) || (gap_at(r, i + 1) == PF_GAP_COMMA &&
                                                  (r->kinds[i + 1] & OR_LATER));
    return kind_of(r, i + 1) != PF_CUE_OBJECT && !is_list;
}

/* One behind the last term that a phrase ending before `from` denies. */
static size_t reach_forward(const reading *r, size_t from)
{
    size_t i = from;
    bool is_first = true;
    belonging b = {0};
    for (int words = 0; i < r->t->n && words < WINDOW; i++, words++) {
        if (ends_forward(r, from, i, is_first))
            break;
        const bool is_joint = joins_list(r, i) || parts_list(gap_at(r, i));
        is_first = is_first && (i == from || !is_joint);
        if (is_joint || b.is_spared)
            words = -1;
        step(r, i, true, &b);
        if (ends_object(r, i))
            return i + 1;
    }
    return i;
}

/* "The wall is thick, a mass is not seen": of one thing, behind a comma. */
static bool is_of_one(const reading *r, size_t from)
{
    static const char *const verbs[] = {"is", "was", "has", "isnt", "wasnt"};
    return gap_at(r, from) == PF_GAP_SPACE &&
           is_one_of(r, from, verbs, sizeof verbs / sizeof *verbs);
}

/* The first term that a phrase beginning at `from` denies. */
static size_t reach_backward(const reading *r, size_t from)
{
    size_t i = from;
    bool is_list = !is_of_one(r, from);
    for (int words = 0; i > 0 && words < WINDOW_BACK; i--, words++) {
        const pf_gap gap = gap_at(r, i);
        const pf_cue k = kind_of(r, i - 1);
        const bool is_answer = i == from && gap >= PF_GAP_BRACKET && gap < PF_GAP_STOP;
        if (!is_answer && (gap >= PF_GAP_DASH || is_over(r, i)))
            break;
        if (k == PF_CUE_STOP || k == PF_CUE_VERB || k == PF_CUE_PRE ||
            k == PF_CUE_POST || k == PF_CUE_RESULT)
            break;
        is_list = is_list || joins_list(r, i - 1);
        if (parts_list(gap) && !is_list)
            break;
        if (parts_list(gap) || joins_list(r, i - 1))
            words = -1;
    }
    return i;
}

static bool is_indefinite(const reading *r, size_t i)
{
    return is_word(r, i, "a") || is_word(r, i, "an") || is_word(r, i, "any");
}

/* Who is it of whom a post speaks? What belongs to it is spared; when all would be, it
 * is all of it. */
static void spare_backward(const reading *r, size_t first, size_t end)
{
    belonging b = {0};
    bool has_any = false;
    for (size_t i = first; i < end; i++) {
        const bool is_new = i > first && (is_definite(r, i) || is_indefinite(r, i)) &&
                            !is_preposition(r, i - 1);
        if (is_new)
            b = (belonging){0};
        step(r, i, false, &b);
        has_any = has_any || !b.is_spared;
    }
    for (size_t i = first; !has_any && i < end; i++)
        r->kinds[i] &= (uint16_t)~IS_SPARED;
}

/* "The CT was negative" says nothing of the CT. */
static bool is_of_study(const reading *r, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        if (kind_of(r, i) == PF_CUE_STUDY)
            return true;
    }
    return false;
}

/* The next word, with "significantly" and such before it. */
static size_t reach_word(const reading *r, size_t from)
{
    size_t i = from;
    while (i < r->t->n && (i == from || gap_at(r, i) == PF_GAP_SPACE)) {
        const char *word = pf_terms_plain(r->t, i);
        const size_t n = strlen(word);
        r->kinds[i++] &= (uint16_t)~IS_SPARED;
        if (n < 5 || strcmp(word + n - 2, "ly") != 0)
            break;
    }
    return i;
}

/* ---- all of it ------------------------------------------------------------------- */

static bool add(pf_negations *out, pf_negation negation, pf_err *err)
{
    if (!pf_grow_array(&out->at, &out->room, out->n, sizeof *out->at, err))
        return false;
    out->at[out->n++] = negation;
    return true;
}

/* What the phrase of terms i .. end-1 denies; nothing when it is none that does. */
static pf_negation negation_of(const reading *r, size_t i, size_t end)
{
    pf_negation n = {
        .phrase_first = (uint32_t)i, .phrase_last = (uint32_t)(end - 1), .first = 1};
    const pf_cue k = kind_of(r, i);
    size_t first = 1, behind = 1;
    if (k == PF_CUE_PRE || k == PF_CUE_WORD) {
        first = end;
        behind = k == PF_CUE_PRE ? reach_forward(r, end) : reach_word(r, end);
    } else if (i > 0) {
        first = reach_backward(r, i);
        behind = k == PF_CUE_RESULT && is_of_study(r, first, i) ? first : i;
        spare_backward(r, first, behind);
    }
    if (first < behind) {
        n.first = (uint32_t)first;
        n.last = (uint32_t)(behind - 1);
    }
    return n;
}

/* For each term one behind the last that is denied by a phrase which denies it, or some
 * term before it: so one look tells whether a phrase denies all of first .. last. */
static void find_reach(pf_negations *out, size_t n_terms)
{
    for (size_t i = 0; i < n_terms; i++)
        out->reach[i] = 0;
    for (size_t i = 0; i < out->n; i++) {
        const pf_negation *n = &out->at[i];
        if (n->first <= n->last && out->reach[n->first] <= n->last)
            out->reach[n->first] = n->last + 1;
    }
    for (size_t i = 1; i < n_terms; i++) {
        if (out->reach[i] < out->reach[i - 1])
            out->reach[i] = out->reach[i - 1];
    }
}

static bool denies(pf_cue k)
{
    return k == PF_CUE_PRE || k == PF_CUE_POST || k == PF_CUE_RESULT ||
           k == PF_CUE_WORD;
}

bool pf_negex_find(const pf_negex *x, const pf_terms *t, pf_negations *out, pf_err *err)
{
    out->n = 0;
    if (!make_room(out, t->n, err))
        return false;
    const reading r = {x, t, out->kinds};
    find_phrases(&r);
    look_ahead(&r);
    for (size_t i = 0, end; i < t->n; i = end) {
        for (end = i + 1; end < t->n && !(out->kinds[end] & IS_FIRST);)
            end++;
        if (denies(kind_of(&r, i)) && !add(out, negation_of(&r, i, end), err))
            return false;
    }
    find_reach(out, t->n);
    return true;
}

void pf_negations_reset(pf_negations *negations)
{
    pf_free(negations->at);
    pf_free(negations->kinds);
    pf_free(negations->reach);
    *negations = (pf_negations){0};
}

bool pf_negations_cover(const pf_negations *negations, size_t first, size_t last)
{
    return negations->n > 0 && negations->reach[first] > last &&
           !(negations->kinds[first] & IS_SPARED);
}

bool pf_negations_has_phrase(const pf_negations *negations, size_t term)
{
    return negations->n > 0 && denies((pf_cue)(negations->kinds[term] & KIND_MASK));
}
