/*
 * study_key.h - the secret that makes names of cases out of UIDs.
 *
 * The UID of a study finds its patient in any archive that has the study, so it is kept
 * nowhere: a case of DICOM files is known by a keyed hash of it. The key is a file of
 * its own, for its owner alone, outside every catalog: who gets a catalog cannot try
 * UIDs against it. Without the key the same study becomes another case.
 */
#ifndef PF_INDEXER_STUDY_KEY_H
#define PF_INDEXER_STUDY_KEY_H

#include "core/base/err.h"
#include "indexer/siphash.h"

enum { PF_STUDY_NAME_ROOM = 2 * PF_SIPHASH_SIZE + sizeof "study-" };

typedef struct {
    uint8_t bytes[PF_SIPHASH_KEY];
} pf_study_key;

/* That of this user: $XDG_CONFIG_HOME/plainfilm/study.key, else under ~/.config. Made
 * when there is none. MISUSE: others may read it; FORMAT: it is damaged. */
PF_MUST_CHECK bool pf_study_key_open(pf_study_key *key, pf_err *err);

/* "study-" and 32 hexadecimal digits. */
void pf_study_name(const pf_study_key *key, const char *uid,
                   char name[PF_STUDY_NAME_ROOM]);

#endif
