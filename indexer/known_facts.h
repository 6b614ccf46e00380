/*
 * known_facts.h - what the DICOM files of a source said of themselves on an earlier
 * night. Of a file whose size and time are as they were it need not be asked again.
 *
 * The study's UID is not among it: in its place stands the name of the case that was
 * made of it (study_key.h).
 */
#ifndef PF_INDEXER_KNOWN_FACTS_H
#define PF_INDEXER_KNOWN_FACTS_H

#include "core/catalog/store.h"
#include "core/image/facts.h"
#include "core/image/scan.h"

typedef struct {
    char *path, *text;
    int64_t size, mtime_ns;
    bool is_there; /* it was asked for */
} pf_known_file;

typedef struct {
    pf_known_file *at; /* by path */
    size_t count, room;
} pf_known_facts;

PF_MUST_CHECK bool pf_known_facts_load(pf_known_facts *known, pf_store *store,
                                       int64_t source_id, pf_err *err);
/* False: the file has to be asked. *out is all zero for one that is no DICOM file. */
bool pf_known_facts_find(pf_known_facts *known, const pf_scan_file *file,
                         pf_facts *out);
void pf_known_facts_reset(pf_known_facts *known); /* all zero is fine */

/* As they are kept; `facts->study` is the name of the case. */
enum { PF_FACTS_TEXT_ROOM = 256 };
void pf_facts_write(const pf_facts *facts, char out[PF_FACTS_TEXT_ROOM]);
/* False: nobody has written that. */
bool pf_facts_parse(pf_facts *out, const char *text);

#endif
