/*
 * json.h - reading JSON from outside, and writing our own. Alone includes jansson.
 *
 * Reading refuses duplicate keys, invalid UTF-8 and deep nesting. Values are borrowed
 * from the document that pf_json_parse() gives. Writing streams to a FILE, so that an
 * answer of any size needs no memory; text that is not UTF-8 (a file name may be
 * anything) is written with U+FFFD in place of the bad bytes, and what would drive a
 * terminal or turn the direction of writing as \uXXXX.
 */
#ifndef PF_CORE_BASE_JSON_H
#define PF_CORE_BASE_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/err.h"

typedef struct pf_json pf_json;

typedef enum {
    PF_JSON_NULL,
    PF_JSON_BOOL,
    PF_JSON_INT,
    PF_JSON_REAL,
    PF_JSON_STRING,
    PF_JSON_ARRAY,
    PF_JSON_OBJECT,
} pf_json_kind;

/* Parse exactly one value. On failure *out is NULL and the message has line and column.
 */
PF_MUST_CHECK bool pf_json_parse(pf_json **out, const char *text, size_t n,
                                 pf_err *err);
/* The same for what is kept as text anyway: numbers that are too large to be one are
 * strings, digit by digit. */
PF_MUST_CHECK bool pf_json_parse_texts(pf_json **out, const char *text, size_t n,
                                       pf_err *err);
/* pf_json_parse() for a file of at most `max_bytes`. Where there is none *out is NULL,
 * which is no failure. */
PF_MUST_CHECK bool pf_json_parse_file(pf_json **out, const char *path, size_t max_bytes,
                                      pf_err *err);
void pf_json_free(pf_json *json); /* NULL is fine */

pf_json_kind pf_json_get_kind(const pf_json *json);

/* Member of an object; NULL when `obj` is NULL, no object, or has none of that name. */
const pf_json *pf_json_get(const pf_json *obj, const char *key);
/* Elements of an array or members of an object; 0 for anything else. */
size_t pf_json_size(const pf_json *json);
const pf_json *pf_json_at(const pf_json *array, size_t i);

/* These return false, leaving *out alone, when `json` is NULL or of another kind. */
bool pf_json_to_bool(const pf_json *json, bool *out);
bool pf_json_to_int(const pf_json *json, int64_t *out);
bool pf_json_to_real(const pf_json *json, double *out); /* takes an int too */
/* Borrowed, NUL-terminated; `*n` (may be NULL) is its length, NULs inside counted. */
const char *pf_json_string(const pf_json *json, size_t *n);

/* The value as JSON text, given, pf_free() it. */
PF_MUST_CHECK char *pf_json_text(const pf_json *json, pf_err *err);
/* The same with the members of objects sorted by name: texts that differ only in how
 * they are written give the same one. */
PF_MUST_CHECK char *pf_json_sorted_text(const pf_json *json, pf_err *err);

/* Members in file order: start with {0}, stop when it returns false. */
typedef struct {
    const char *key;
    const pf_json *value;
    void *at; /* the iterator's own */
} pf_json_member;
bool pf_json_next_member(const pf_json *obj, pf_json_member *m);

/* Writing. `key` is NULL inside an array and at the top. Errors are those of the FILE.
 */
typedef struct {
    FILE *file;
    int depth;
    bool is_first; /* nothing written yet at this depth */
} pf_json_writer;

void pf_json_writer_init(pf_json_writer *w, FILE *file);
void pf_json_begin_object(pf_json_writer *w, const char *key);
void pf_json_end_object(pf_json_writer *w);
void pf_json_begin_array(pf_json_writer *w, const char *key);
void pf_json_end_array(pf_json_writer *w);
void pf_json_write_string(pf_json_writer *w, const char *key,
                          const char *s); /* or null */
/* The name of a file. When it is not UTF-8, which JSON cannot hold, there is a second
 * field, `key`_bytes, with its bytes in base64; `key` has U+FFFD for what is wrong. */
void pf_json_write_path(pf_json_writer *w, const char *key,
                        const char *path); /* or null */
void pf_json_write_int(pf_json_writer *w, const char *key, int64_t v);
/* `digits` significant digits, 9 give a float back exactly; null when not finite. */
void pf_json_write_real(pf_json_writer *w, const char *key, double v, int digits);
void pf_json_write_bool(pf_json_writer *w, const char *key, bool v);
/* A value that is JSON already, on one line. */
void pf_json_write_json(pf_json_writer *w, const char *key, const char *json);

#endif
