/* left_out.c - see left_out.h. */
#include "core/image/left_out.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "core/base/file.h"

/* Of Windows, NTFS and FAT; Synology, QNAP, NetApp, Buffalo, Samba; Nextcloud; Android;
 * ext4; macOS and its shares. */
static const char *const bins[] = {"$RECYCLE.BIN",
                                   "RECYCLER",
                                   "RECYCLED",
                                   "#recycle",
                                   "@Recycle",
                                   ".recycle",
                                   "#trash",
                                   "trashbox",
                                   "LOST.DIR",
                                   "$Trash",
                                   "Trash",
                                   "files_trashbin",
                                   "Network Trash Folder"};
static const char *const of_systems[] = {
    "@eaDir",          "@tmp",        "@__thumb",    "@Recently-Snapshot",
    "#snapshot",       "~snapshot",   "lost+found",  "System Volume Information",
    "Thumbs.db",       "ehthumbs.db", "desktop.ini", "__MACOSX",
    "Temporary Items", "FOUND.000"};

static bool is_among(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(name, list[i]) == 0)
            return true;
    }
    return false;
}

pf_name_kind pf_name_kind_of(const char *name)
{
    static const char trash[] = ".Trash"; /* .Trashes, .Trash-1000, ... */
    if (is_among(name, bins, sizeof bins / sizeof *bins) ||
        strncasecmp(name, trash, sizeof trash - 1) == 0)
        return PF_NAME_BIN;
    if (name[0] == '.' ||
        is_among(name, of_systems, sizeof of_systems / sizeof *of_systems))
        return PF_NAME_SYSTEM;
    return PF_NAME_OURS;
}

bool pf_pattern_fits(const char *const *patterns, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++) {
        const char *pattern = patterns[i];
        const bool is_of_path = strchr(pattern, '/') != NULL;
        pattern += pattern[0] == '/';
        if (fnmatch(pattern, is_of_path ? path : pf_path_base(path),
                    is_of_path ? FNM_PATHNAME : 0) == 0)
            return true;
    }
    return false;
}
