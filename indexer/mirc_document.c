/* mirc_document.c - see mirc_document.h. */
#define _GNU_SOURCE /* memmem() */
#include "indexer/mirc_document.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "indexer/mirc_headings.h"

static const char root_name[] = "MIRCdocument";

enum {
    DEPTH_MAX = 200,
    ITEMS_MAX = 100 * 1000, /* texts, images, names: of each */
    ATTRIBUTE_MAX = 200,    /* bytes: what is longer is a text */
    AGE_MAX = 89,           /* years; above, an age may tell who it is */
    CHUNK = 1 << 16,
    ATTRIBUTE_WORDS = 5, /* libxml2: name, prefix, URI, value, its end */
};

/* ---- what elements mean ---- */

typedef enum {
    IS_UNKNOWN, /* its text is nothing, what is in it may be something */
    IS_NEVER,   /* nothing in it is */
    IS_INLINE,
    IS_BLOCK, /* it stands apart from the text around it */
    IS_IMAGE,
    IS_VERSION, /* of an image */
    IS_SECTION,
    IS_FIELD,
} meaning;

typedef enum {
    AS_TITLE,
    AS_CAPTION,
    AS_SHORT_CAPTION, /* when it is short, an attribute as well */
    AS_VALUES,        /* parted by commas: attributes */
    AS_TERMS,         /* and a caption, of all of them together */
    AS_SEX,
    AS_AGE,
    AS_READERS,
    AS_NOTHING, /* but for that it is there */
} field_use;

typedef struct {
    const char *name; /* of the element, or of the section with '-' for blanks */
    field_use use;
    const char *key;
} field_kind;

static const field_kind fields[] = {
    {"abstract", AS_CAPTION, NULL},       {"history", AS_CAPTION, NULL},
    {"findings", AS_CAPTION, NULL},       {"diagnosis", AS_SHORT_CAPTION, "diagnosis"},
    {"confirmation", AS_CAPTION, NULL},   {"differential-diagnosis", AS_CAPTION, NULL},
    {"discussion", AS_CAPTION, NULL},     {"image-caption", AS_CAPTION, NULL},
    {"keywords", AS_TERMS, "keyword"},    {"anatomy", AS_TERMS, "anatomy"},
    {"pathology", AS_TERMS, "pathology"}, {"organ-system", AS_TERMS, "organ_system"},
    {"modality", AS_VALUES, "modality"},  {"category", AS_VALUES, "category"},
    {"level", AS_VALUES, "level"},        {"language", AS_VALUES, "language"},
};

static const field_kind title_field = {"title", AS_TITLE, NULL};
static const field_kind known_section = {"section", AS_CAPTION, NULL};
static const field_kind unknown_section = {"section", AS_NOTHING, NULL};
static const field_kind sex_field = {"pt-sex", AS_SEX, "sex"};
static const field_kind age_field = {"pt-age", AS_AGE, "age"};
static const field_kind years_field = {"years", AS_AGE, "age"};
static const field_kind readers_field = {"read", AS_READERS, NULL};

static const struct {
    const char *name;
    meaning means;
} elements[] = {
    {"image", IS_IMAGE},
    {"alternative-image", IS_VERSION},
    {"section", IS_SECTION},
    /* of people, and when what was done */
    {"author", IS_NEVER},
    {"creator", IS_NEVER},
    {"contact", IS_NEVER},
    {"affiliation", IS_NEVER},
    {"owner", IS_NEVER},
    {"phi", IS_NEVER},
    {"references", IS_NEVER},
    {"publication-date", IS_NEVER},
    {"revision-history", IS_NEVER},
    {"peer-review", IS_NEVER},
    {"rights", IS_NEVER},
    {"document-id", IS_NEVER},
    {"metadata-refs", IS_NEVER},
    {"script", IS_NEVER},
    {"style", IS_NEVER},
    /* formatting */
    {"a", IS_INLINE},
    {"href", IS_INLINE},
    {"b", IS_INLINE},
    {"i", IS_INLINE},
    {"u", IS_INLINE},
    {"em", IS_INLINE},
    {"strong", IS_INLINE},
    {"sub", IS_INLINE},
    {"sup", IS_INLINE},
    {"span", IS_INLINE},
    {"font", IS_INLINE},
    {"big", IS_INLINE},
    {"small", IS_INLINE},
    {"tt", IS_INLINE},
    {"term", IS_INLINE},
    {"p", IS_BLOCK},
    {"br", IS_BLOCK},
    {"hr", IS_BLOCK},
    {"div", IS_BLOCK},
    {"center", IS_BLOCK},
    {"h1", IS_BLOCK},
    {"h2", IS_BLOCK},
    {"h3", IS_BLOCK},
    {"h4", IS_BLOCK},
    {"h5", IS_BLOCK},
    {"h6", IS_BLOCK},
    {"ul", IS_BLOCK},
    {"ol", IS_BLOCK},
    {"li", IS_BLOCK},
    {"dl", IS_BLOCK},
    {"dt", IS_BLOCK},
    {"dd", IS_BLOCK},
    {"table", IS_BLOCK},
    {"tbody", IS_BLOCK},
    {"thead", IS_BLOCK},
    {"tr", IS_BLOCK},
    {"td", IS_BLOCK},
    {"th", IS_BLOCK},
    {"pre", IS_BLOCK},
    {"quote", IS_BLOCK},
    {"blockquote", IS_BLOCK},
    {"block", IS_BLOCK},
    {"text", IS_BLOCK},
    {"text-caption", IS_BLOCK},
    {"quiz", IS_BLOCK},
    {"quiz-context", IS_BLOCK},
    {"question", IS_BLOCK},
    {"question-body", IS_BLOCK},
    {"answer", IS_BLOCK},
    {"answer-body", IS_BLOCK},
    {"response", IS_BLOCK},
};

static bool begins_with(const char *s, const char *prefix)
{
    return strncasecmp(s, prefix, strlen(prefix)) == 0;
}

static const field_kind *find_field(const char *name)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcasecmp(fields[i].name, name) == 0)
            return &fields[i];
    }
    return NULL;
}

static meaning listed_meaning(const char *name)
{
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        if (strcasecmp(elements[i].name, name) == 0)
            return elements[i].means;
    }
    return IS_UNKNOWN;
}

static meaning meaning_of(const char *name)
{
    const meaning listed = listed_meaning(name);
    if (listed != IS_UNKNOWN)
        return listed;
    if (begins_with(name, "patient") || begins_with(name, "pt-"))
        return IS_NEVER;
    return find_field(name) ? IS_FIELD : IS_UNKNOWN;
}

/* ---- headings of sections ---- */

static const struct {
    const char *heading, *name;
} headings[] = {
    {"clinical-history", "history"},
    {"patient-history", "history"},
    {"case-history", "history"},
    {"presentation", "history"},
    {"imaging-findings", "findings"},
    {"image-findings", "findings"},
    {"radiologic-findings", "findings"},
    {"final-diagnosis", "diagnosis"},
    {"differential", "differential-diagnosis"},
    {"differential-diagnoses", "differential-diagnosis"},
    {"ddx", "differential-diagnosis"},
    {"keyword", "keywords"},
};

/* The field of a section of that name; NULL: there is no such heading. */
static const field_kind *find_section(const char *name)
{
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++) {
        if (strcmp(headings[i].heading, name) == 0)
            return find_field(headings[i].name);
    }
    const field_kind *field = find_field(name);
    return field || !pf_mirc_heading_is_known(name) ? field : &known_section;
}

/* ---- the state of reading ---- */

enum { NO_SINK = -1 };

typedef struct {
    bool hides, drops; /* what is in it: for owners; for nobody */
    bool is_image;
    bool is_apart; /* IS_BLOCK */
    bool is_authorization;
    bool is_for_all;         /* an authorization: everybody may read the document */
    int sink;                /* where its text goes, in reader.open; or NO_SINK */
    const field_kind *field; /* that it opened; or NULL */
} frame;

typedef struct {
    pf_mirc_document *document;
    xmlParserCtxt *parser;
    bool as_owner;
    frame frames[DEPTH_MAX + 1];
    size_t depth;
    size_t n_hidden, n_dropped; /* frames that do */
    pf_buf open[DEPTH_MAX + 1]; /* texts of open fields */
    size_t n_open;
    size_t image; /* the one we are in; 0: none */
    bool is_misencoded;
    pf_buf terms; /* of the case, as one caption */
    pf_err err;   /* the first failure */
} reader;

static void stop(reader *r)
{
    xmlStopParser(r->parser);
}

static bool check(reader *r, bool ok)
{
    if (!ok)
        stop(r);
    return ok;
}

static size_t line_of(const reader *r)
{
    const int line = xmlSAX2GetLineNumber(r->parser);
    return line > 0 ? (size_t)line : 0;
}

static bool grow(reader *r, void *array, size_t *room, size_t n, size_t size)
{
    if (n >= ITEMS_MAX)
        return pf_fail(&r->err, PF_ERR_LIMIT, "it has more than %d texts or pictures",
                       ITEMS_MAX);
    return pf_grow_array(array, room, n, size, &r->err);
}

static const char *keep(reader *r, const char *s, size_t n)
{
    return pf_arena_add(&r->document->strings, s, n, &r->err);
}

/* ---- what was read ---- */

static bool add_text(reader *r, const char *key, const char *value, size_t n)
{
    pf_mirc_document *d = r->document;
    if (n == 0)
        return true;
    if (!grow(r, &d->texts, &d->texts_room, d->n_texts, sizeof *d->texts))
        return false;
    const char *kept = keep(r, value, n);
    if (kept)
        d->texts[d->n_texts++] =
            (pf_mirc_text){.key = key, .value = kept, .image = r->image};
    return kept != NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Blanks and line ends to single blanks, none at either end. */
static size_t squeeze(char *s, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_blank(s[i]))
            s[kept++] = s[i];
        else if (kept > 0 && s[kept - 1] != ' ')
            s[kept++] = ' ';
    }
    kept -= kept > 0 && s[kept - 1] == ' ';
    return kept;
}

static bool add_term(reader *r, const char *value, size_t n)
{
    return (r->terms.size == 0 || pf_buf_add_str(&r->terms, ", ", &r->err)) &&
           pf_buf_add(&r->terms, value, n, &r->err);
}

/* Those of a picture are its own, and no terms of the case. */
static bool add_values(reader *r, const field_kind *field, const char *list, size_t n)
{
    for (size_t at = 0; at < n;) {
        size_t end = at;
        while (end < n && list[end] != ',' && list[end] != ';')
            end++;
        const size_t next = end + 1;
        while (at < end && list[at] == ' ')
            at++;
        while (end > at && list[end - 1] == ' ')
            end--;
        const bool is_term = field->use == AS_TERMS && r->image == 0 && end > at;
        const size_t shown = end - at < ATTRIBUTE_MAX ? end - at : 0;
        if (!add_text(r, field->key, list + at, shown) ||
            (is_term && !add_term(r, list + at, end - at)))
            return false;
        at = next;
    }
    return true;
}

static bool add_sex(reader *r, const char *value, size_t n)
{
    static const struct {
        const char *word, *sex;
    } words[] = {{"m", "M"}, {"male", "M"}, {"f", "F"}, {"female", "F"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i].word) == n && strncasecmp(value, words[i].word, n) == 0)
            return add_text(r, "sex", words[i].sex, 1);
    }
    return true;
}

/* A number of years, and nothing but that. */
static bool add_age(reader *r, const char *value, size_t n)
{
    size_t digits = 0;
    while (digits < n && digits < 3 && isdigit((unsigned char)value[digits]))
        digits++;
    const char *unit = value + digits;
    size_t left = n - digits;
    while (left > 0 && *unit == ' ') {
        unit++;
        left--;
    }
    const bool is_years = left == 0 || (left == 1 && tolower(*unit) == 'y') ||
                          (left == 5 && strncasecmp(unit, "years", 5) == 0);
    if (digits == 0 || !is_years || strtol(value, NULL, 10) > AGE_MAX)
        return true;
    return add_text(r, "age", value, digits);
}

static bool add_title(reader *r, const char *value, size_t n)
{
    if (!r->document->title && n > 0 && !(r->document->title = keep(r, value, n)))
        return false;
    return add_text(r, NULL, value, n);
}

/* A '*' that stands alone is everybody. The frame is that of the authorization. */
static bool add_readers(reader *r, const char *list, size_t n)
{
    bool has_all = false;
    for (size_t at = 0; at < n;) {
        size_t end = at;
        while (end < n && list[end] != ',' && !is_blank(list[end]))
            end++;
        has_all |= end == at + 1 && list[at] == '*';
        at = end + 1;
    }
    r->frames[r->depth - 1].is_for_all |= has_all;
    r->document->is_public &= has_all;
    return true;
}

static bool finish_field(reader *r, const field_kind *field, char *text, size_t n)
{
    switch (field->use) {
    case AS_TITLE:
        return add_title(r, text, n);
    case AS_CAPTION:
        return add_text(r, NULL, text, n);
    case AS_SHORT_CAPTION:
        return add_text(r, NULL, text, n) &&
               add_text(r, field->key, text, n < ATTRIBUTE_MAX ? n : 0);
    case AS_VALUES:
    case AS_TERMS:
        return add_values(r, field, text, n);
    case AS_SEX:
        return add_sex(r, text, n);
    case AS_AGE:
        return add_age(r, text, n);
    case AS_READERS:
        return add_readers(r, text, n);
    case AS_NOTHING:
        r->document->n_unknown_sections += n > 0;
        return true;
    }
    return true;
}

/* ---- attributes of elements ---- */

typedef struct {
    const xmlChar **at;
    int n;
} attributes;

/* The bytes of a value; NULL when there is no such attribute. */
static const char *find_attribute(attributes a, const char *name, size_t *n)
{
    for (int i = 0; i < a.n; i++) {
        const xmlChar **words = a.at + (ptrdiff_t)i * ATTRIBUTE_WORDS;
        if (strcasecmp((const char *)words[0], name) != 0)
            continue;
        *n = (size_t)(words[4] - words[3]);
        return (const char *)words[3];
    }
    return NULL;
}

static bool is_word(const char *s, size_t n, const char *word)
{
    return s && strlen(word) == n && strncasecmp(s, word, n) == 0;
}

/* Anything but a plain yes is for somebody. */
static bool is_for_owner(attributes a)
{
    size_t n;
    const char *visible = find_attribute(a, "visible", &n);
    return visible && n > 0 && !is_word(visible, n, "yes");
}

static bool add_name(reader *r, const char *name, size_t n)
{
    pf_mirc_document *d = r->document;
    if (!name || n == 0)
        return true;
    if (!grow(r, &d->names, &d->names_room, d->n_names, sizeof *d->names))
        return false;
    const char *kept = keep(r, name, n);
    if (kept)
        d->names[d->n_names++] = kept;
    return kept != NULL;
}

static bool add_names(reader *r, attributes a)
{
    size_t n = 0, m = 0;
    const char *src = find_attribute(a, "src", &n);
    const char *href = find_attribute(a, "href", &m);
    return add_name(r, src, n) && add_name(r, href, m);
}

/* ---- pictures ---- */

static bool set_version(reader *r, int which, attributes a)
{
    size_t n = 0;
    const char *src = find_attribute(a, "src", &n);
    if (!src)
        src = find_attribute(a, "href", &n); /* as older ones have it */
    const char **at = &r->document->images[r->image - 1].src[which];
    return !src || n == 0 || *at || (*at = keep(r, src, n));
}

static bool open_image(reader *r, attributes a)
{
    pf_mirc_document *d = r->document;
    if (!grow(r, &d->images, &d->images_room, d->n_images, sizeof *d->images))
        return false;
    d->images[d->n_images] = (pf_mirc_image){.line = line_of(r)};
    r->image = ++d->n_images;
    return set_version(r, 1, a);
}

/* Icons, annotations and videos are no pictures of their own. */
static bool open_version(reader *r, attributes a)
{
    size_t n = 0;
    const char *role = find_attribute(a, "role", &n);
    if (r->image == 0)
        return true;
    if (is_word(role, n, "original-dimensions"))
        return set_version(r, 0, a);
    return !is_word(role, n, "original-format") || set_version(r, 2, a);
}

/* ---- elements ---- */

static void open_field(reader *r, frame *f, const field_kind *field)
{
    pf_buf_init(&r->open[r->n_open], PF_MIRC_MAX_BYTES * 2);
    f->field = field;
    f->sink = (int)r->n_open++;
}

/* What a section is by its heading. One that has none belongs to the one around it. */
static bool open_section(reader *r, frame *f, attributes a)
{
    char name[PF_MIRC_HEADING_ROOM];
    size_t n = 0;
    const char *heading = find_attribute(a, "heading", &n);
    if (!pf_mirc_heading_name(heading ? heading : "", n, name, &r->err))
        return false;
    const field_kind *field = find_section(name);
    f->is_apart = n == 0 && f->sink != NO_SINK;
    if (f->is_apart)
        return pf_buf_add_str(&r->open[f->sink], " ", &r->err);
    f->drops = !field && listed_meaning(name) == IS_NEVER;
    f->sink = NO_SINK;
    if (!f->drops)
        open_field(r, f, field ? field : &unknown_section);
    return true;
}

/* Of a patient age and sex are kept, which tell nobody who it is. */
static const field_kind *patient_field(const char *name, const frame *above)
{
    if (strcasecmp(name, "pt-sex") == 0)
        return &sex_field;
    if (strcasecmp(name, "pt-age") == 0)
        return &age_field;
    return above->field == &age_field && strcasecmp(name, "years") == 0 ? &years_field
                                                                        : NULL;
}

/* The field that the element opens, if any: a title is the document's own. */
static const field_kind *field_of(const reader *r, const char *name, meaning means)
{
    if (r->depth == 1 && strcasecmp(name, "title") == 0)
        return &title_field;
    const field_kind *field = patient_field(name, &r->frames[r->depth - 1]);
    return field || means != IS_FIELD ? field : find_field(name);
}

static bool open_known(reader *r, frame *f, const char *name, attributes a)
{
    const meaning means = meaning_of(name);
    const int above = f->sink;
    if (means == IS_SECTION)
        return open_section(r, f, a);
    const field_kind *field = field_of(r, name, means);
    f->sink = NO_SINK;
    if (field) {
        open_field(r, f, field);
        return true;
    }
    f->drops = means == IS_NEVER;
    f->is_image = means == IS_IMAGE && r->image == 0;
    f->is_apart = means == IS_BLOCK;
    if (f->is_image)
        return open_image(r, a);
    if (means == IS_VERSION)
        return open_version(r, a);
    if (means == IS_INLINE || means == IS_BLOCK)
        f->sink = above;
    return f->sink == NO_SINK || !f->is_apart ||
           pf_buf_add_str(&r->open[f->sink], " ", &r->err);
}

/* In what is dropped nothing but a patient's age and sex is looked for; in what is
 * hidden nothing at all, but for who may read the document. */
static bool open_element(reader *r, frame *f, const char *name, attributes a)
{
    const frame *above = &r->frames[r->depth - 1];
    f->hides = !r->as_owner && is_for_owner(a);
    f->is_authorization = strcasecmp(name, "authorization") == 0;
    r->n_hidden += f->hides;
    const field_kind *field = NULL;
    if (above->is_authorization && strcasecmp(name, "read") == 0)
        field = &readers_field;
    else if (r->n_hidden == 0 && r->n_dropped == 0)
        return open_known(r, f, name, a);
    else if (r->n_hidden == 0)
        field = patient_field(name, above);
    f->sink = NO_SINK;
    if (field)
        open_field(r, f, field);
    return true;
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix,
                     const xmlChar *uri, int n_namespaces, const xmlChar **namespaces,
                     int n_attributes, int n_defaulted, const xmlChar **words)
{
    reader *r = context;
    const attributes a = {words, n_attributes};
    (void)prefix, (void)uri, (void)n_namespaces, (void)namespaces, (void)n_defaulted;
    if (r->err.code != PF_OK)
        return;
    if (r->depth == 0) {
        r->document->is_mirc = strcmp((const char *)name, root_name) == 0;
        r->frames[r->depth++] =
            (frame){.sink = NO_SINK, .hides = !r->as_owner && is_for_owner(a)};
        r->n_hidden += r->frames[0].hides;
        check(r, r->document->is_mirc);
        return;
    }
    if (r->depth == DEPTH_MAX) {
        check(r, pf_fail(&r->err, PF_ERR_LIMIT, "it is more than %d elements deep",
                         DEPTH_MAX));
        return;
    }
    frame f = {.sink = r->frames[r->depth - 1].sink};
    const bool ok = add_names(r, a) && open_element(r, &f, (const char *)name, a);
    r->n_dropped += f.drops;
    r->frames[r->depth++] = f;
    check(r, ok);
}

static bool close_field(reader *r, const frame *f)
{
    pf_buf *text = &r->open[--r->n_open];
    const size_t n = squeeze(text->data, text->size);
    char none[] = "";
    if (n < text->size)
        text->data[n] = '\0';
    const bool ok = finish_field(r, f->field, text->data ? text->data : none, n);
    pf_buf_free(text);
    return ok;
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix,
                   const xmlChar *uri)
{
    reader *r = context;
    (void)name, (void)prefix, (void)uri;
    if (r->err.code != PF_OK || r->depth == 0)
        return;
    const frame f = r->frames[--r->depth];
    bool ok = !f.field || close_field(r, &f);
    if (ok && f.is_apart && f.sink != NO_SINK)
        ok = pf_buf_add_str(&r->open[f.sink], " ", &r->err);
    r->document->is_public &= !f.is_authorization || f.is_for_all;
    r->n_hidden -= f.hides;
    r->n_dropped -= f.drops;
    if (f.is_image)
        r->image = 0;
    check(r, ok);
}

static void on_text(void *context, const xmlChar *text, int n)
{
    reader *r = context;
    if (r->err.code != PF_OK || r->depth == 0 || n <= 0)
        return;
    const int sink = r->frames[r->depth - 1].sink;
    if (sink != NO_SINK)
        check(r, pf_buf_add(&r->open[sink], text, (size_t)n, &r->err));
}

static void on_entity(void *context, const xmlChar *name, int type,
                      const xmlChar *public_id, const xmlChar *system_id,
                      xmlChar *content)
{
    reader *r = context;
    (void)name, (void)type, (void)public_id, (void)system_id, (void)content;
    check(r, pf_fail(&r->err, PF_ERR_FORMAT,
                     "line %zu: it declares entities, which are not read", line_of(r)));
}

/* libxml2 would print them; what it says may quote the document. */
static void on_error(void *context, xmlError *error)
{
    (void)context;
    (void)error;
}

/* Of what happens beside the parser, in the conversion of bytes to text. */
static void on_message(void *context, const char *format, ...)
{
    reader *r = context;
    (void)format;
    if (r)
        r->is_misencoded = true;
}

/* ---- all of it ---- */

static bool fail_as_parsed(reader *r)
{
    const xmlError *e = xmlCtxtGetLastError(r->parser);
    const int line = e ? e->line : 0, code = e ? e->code : 0;
    if (r->err.code != PF_OK)
        return false;
    if (code == XML_ERR_NO_MEMORY)
        return pf_fail(&r->err, PF_ERR_NOMEM, "out of memory");
    if (r->is_misencoded || code == XML_ERR_INVALID_CHAR ||
        code == XML_ERR_INVALID_ENCODING || code == XML_ERR_UNSUPPORTED_ENCODING ||
        code == XML_ERR_UNKNOWN_ENCODING || code == XML_I18N_CONV_FAILED)
        return pf_fail(&r->err, PF_ERR_FORMAT,
                       "line %d: it has bytes that are no text in its encoding", line);
    if (code == XML_ERR_DOCUMENT_END || code == XML_ERR_TAG_NOT_FINISHED)
        return pf_fail(&r->err, PF_ERR_FORMAT, "line %d: it ends too early", line);
    return pf_fail(&r->err, PF_ERR_FORMAT, "line %d: it is not well-formed XML", line);
}

/* Of a document that is not MIRC's no more is read than its first element. */
static bool parse(reader *r, pf_span bytes)
{
    while (pf_span_left(&bytes) > 0) {
        const size_t left = pf_span_left(&bytes), n = left < CHUNK ? left : CHUNK;
        const int failed =
            xmlParseChunk(r->parser, (const char *)bytes.p, (int)n, n == left);
        bytes.p += n;
        if (r->depth > 0 && !r->document->is_mirc)
            return true;
        if (failed || r->err.code != PF_OK)
            return fail_as_parsed(r);
    }
    return r->depth == 0 || fail_as_parsed(r);
}

static bool add_terms(reader *r)
{
    r->image = 0;
    return r->terms.size == 0 || add_text(r, NULL, r->terms.data, r->terms.size);
}

static bool read_with(reader *r, pf_span bytes)
{
    xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC,
                         .startElementNs = on_start,
                         .endElementNs = on_end,
                         .characters = on_text,
                         .ignorableWhitespace = on_text,
                         .cdataBlock = on_text,
                         .entityDecl = on_entity,
                         .serror = on_error};
    xmlSetGenericErrorFunc(r, on_message);
    r->parser = xmlCreatePushParserCtxt(&sax, r, NULL, 0, NULL);
    if (!r->parser)
        return pf_fail(&r->err, PF_ERR_NOMEM, "out of memory");
    xmlCtxtUseOptions(r->parser,
                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    const bool ok = parse(r, bytes) && add_terms(r);
    xmlSetGenericErrorFunc(NULL, on_message);
    xmlFreeDoc(r->parser->myDoc); /* entities that it noted for itself */
    xmlFreeParserCtxt(r->parser);
    while (r->n_open > 0)
        pf_buf_free(&r->open[--r->n_open]);
    pf_buf_free(&r->terms);
    return ok;
}

/* All that is written as the file of a picture. */
static bool guess_names_in(reader *r, pf_span bytes)
{
    static const char before[] = "src=";
    enum { BEFORE = sizeof before - 1 };
    const uint8_t *at;
    while (pf_span_left(&bytes) > BEFORE &&
           (at = memmem(bytes.p, pf_span_left(&bytes), before, BEFORE))) {
        bytes.p = at + BEFORE;
        if (pf_span_left(&bytes) < 2 || (*bytes.p != '"' && *bytes.p != '\''))
            continue;
        const uint8_t quote = *bytes.p++;
        const uint8_t *end = memchr(bytes.p, quote, pf_span_left(&bytes));
        if (!end || r->document->n_names == ITEMS_MAX)
            break;
        if (!add_name(r, (const char *)bytes.p, (size_t)(end - bytes.p)))
            return false;
        bytes.p = end;
    }
    return true;
}

/* Without the zero bytes, plain names are plain in UTF-16, too. */
static bool guess_names(reader *r, pf_span bytes)
{
    const size_t n = pf_span_left(&bytes);
    uint8_t *plain = pf_alloc_array(n, 1, &r->err);
    size_t kept = 0;
    if (!plain)
        return false;
    for (size_t i = 0; i < n; i++) {
        plain[kept] = bytes.p[i];
        kept += plain[kept] != 0;
    }
    r->document->n_names = 0;
    const bool ok = guess_names_in(r, pf_span_of(plain, kept));
    pf_free(plain);
    return ok;
}

/* It has the name of the first element somewhere, be that in UTF-16. */
static bool seems_mirc(pf_span bytes)
{
    static const char wide[] = "M\0I\0R\0C";
    const size_t n = pf_span_left(&bytes);
    return memmem(bytes.p, n, root_name, sizeof root_name - 1) ||
           memmem(bytes.p, n, wide, sizeof wide - 1);
}

/* What is broken, and nobody's document, is something else; of one that is, what it
 * names is not to be taken for pictures that nobody says anything of. */
static bool read_or_guess(reader *r, pf_span bytes)
{
    const bool fits =
        pf_span_left(&bytes) <= PF_MIRC_MAX_BYTES ||
        pf_fail(&r->err, PF_ERR_LIMIT, "it has more than %d bytes", PF_MIRC_MAX_BYTES);
    if ((fits && read_with(r, bytes)) || r->err.code == PF_ERR_NOMEM)
        return r->err.code == PF_OK;
    if (!r->document->is_mirc && !seems_mirc(bytes))
        return true;
    const pf_err why = r->err;
    r->err = (pf_err)PF_ERR_INIT;
    r->document->is_mirc = true;
    if (guess_names(r, bytes))
        r->err = why;
    return false;
}

bool pf_mirc_document_read(pf_mirc_document *d, pf_span bytes, bool as_owner,
                           pf_err *err)
{
    *d = (pf_mirc_document){.is_public = true};
    if (pf_span_left(&bytes) == 0)
        return true;
    reader *r = pf_zalloc(sizeof *r, err);
    if (!r)
        return false;
    r->document = d;
    r->as_owner = as_owner;
    pf_buf_init(&r->terms, PF_MIRC_MAX_BYTES * 2);
    const bool ok = read_or_guess(r, bytes) || pf_fail_as(err, &r->err);
    pf_free(r);
    return ok;
}

void pf_mirc_document_reset(pf_mirc_document *d)
{
    pf_arena_reset(&d->strings);
    pf_free(d->texts);
    pf_free(d->images);
    pf_free(d->names);
    *d = (pf_mirc_document){0};
}
