/*
 * import_roco.h - the texts of ROCO, radiology objects in context, in its two versions.
 *
 * ROCO: a folder with captions.txt, lines of an id, a tab and a text, and maybe beside
 * it keywords.txt, cuis.txt, semtypes.txt (id, tab, tab, values parted by tabs) and
 * licences.txt (CSV: ROCO_ID, PMC_ID, CC). The picture lies in that folder or below,
 * most often in images/, and is called as its id.
 *
 * ROCOv2: SPLIT_captions.csv (ID, Caption) is a table like any other
 * (import_captions.h); beside it SPLIT_concepts.csv and SPLIT_concepts_manual.csv (ID,
 * CUIs parted by semicolons), license_information.csv (ID and more) and cui_mapping.csv
 * (CUI, its name).
 *
 * Attributes: keyword, cui, concept (the name of a CUI), semtype, tui (its number),
 * license, pmc_id. Of ids without a picture only the captions are told as stale.
 */
#ifndef PF_INDEXER_IMPORT_ROCO_H
#define PF_INDEXER_IMPORT_ROCO_H

#include "core/base/err.h"
#include "core/base/span.h"
#include "indexer/folder_texts.h"

/* By its name: captions.txt. */
bool pf_roco_may_be_captions(const char *path);
/* Is it a captions.txt that has one of its sisters beside it? */
PF_MUST_CHECK bool pf_roco_has_siblings(const char *path, bool *out, pf_err *err);
/* Is it the captions.txt of ROCO, by its name and its first lines? */
bool pf_roco_is_captions(const char *path, pf_span text);
/* Take the captions that `text` is, and what the other files beside it say. */
PF_MUST_CHECK bool pf_roco_read_captions(pf_texts *texts, const char *path,
                                         bool is_found, pf_span text, pf_err *err);

/* Is it called as the captions of ROCOv2 are? */
bool pf_roco_is_v2_captions(const char *path);
/* Take what the other files beside these captions say. */
PF_MUST_CHECK bool pf_roco_read_v2(pf_texts *texts, const char *captions, bool is_found,
                                   pf_err *err);

#endif
