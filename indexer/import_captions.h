/*
 * import_captions.h - tables of captions: those the user gave for a source, and those
 * that lie in its folders under a name that says so (captions.csv, metadata.jsonl).
 *
 * A table is CSV, TSV (records.h) or JSON Lines, in any usual encoding (encoding.h);
 * what its columns mean is said by columns.h, which picture a name means by names.h.
 * Several rows for one picture are several captions; an empty caption only adds
 * attributes. A row that names no picture but a case is about that case.
 *
 * A column whose values are dates, or numbers with a decimal comma, is kept as values.h
 * has it. A row whose picture is not there is stale, which is told and stops nothing.
 */
#ifndef PF_INDEXER_IMPORT_CAPTIONS_H
#define PF_INDEXER_IMPORT_CAPTIONS_H

#include "core/base/err.h"
#include "indexer/folder_texts.h"

/* A table that cannot be read, or is not understood, is a failure when the user has
 * given it in this run; otherwise a gap, and known images keep their texts. One that
 * was only found, and names no columns as tables of captions do, is none. */
PF_MUST_CHECK bool pf_captions_read(pf_texts *texts, pf_err *err);

#endif
