/*
 * hide.h - paths that are not to be shown, for names of files and folders may be names
 * of patients.
 *
 * In their place stands "file-" and 16 digits: a keyed hash (study_key.h), the same
 * from night to night, of which nobody without the key can make the path again. What is
 * hidden is the whole path, that of the source too.
 */
#ifndef PF_INDEXER_HIDE_H
#define PF_INDEXER_HIDE_H

#include "core/base/err.h"
#include "core/base/notes.h"
#include "indexer/run.h"
#include "indexer/study_key.h"

enum { PF_HIDDEN_ROOM = 24 };

typedef struct {
    pf_study_key key;
} pf_hider;

PF_MUST_CHECK bool pf_hider_open(pf_hider *hider, pf_err *err);

/* What stands for a path, or for a file's name. */
void pf_hide_path(const pf_hider *hider, const char *path, char shown[PF_HIDDEN_ROOM]);

/* A message without its paths: what stands in single quotes and looks like a file's
 * name, and what begins with a slash, up to a colon with a blank. Rather too much is
 * hidden than too little. Free with pf_free(); NULL: no memory. */
char *pf_hide_text(const pf_hider *hider, const char *text, pf_err *err);

/* Of all that is in a report. */
PF_MUST_CHECK bool pf_hide_report(const pf_hider *hider, pf_run_report *report,
                                  pf_err *err);

#endif
