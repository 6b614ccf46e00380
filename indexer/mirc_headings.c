/* mirc_headings.c - see mirc_headings.h. */
#include "indexer/mirc_headings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/unicode.h"

/* All words are as pf_unicode_fold() leaves them. */

/* What a section can be about. No word that is also the beginning of a form about
 * somebody: study, exam, report, department, and in German Klinik. */
static const char *const subjects[] = {
    /* English */
    "abstract", "summary", "synopsis", "overview", "introduction", "background",
    "history", "anamnesis", "presentation", "indication", "indications", "symptom",
    "symptoms", "signs", "complaint", "complaints", "illness", "clinical", "findings",
    "finding", "imaging", "image", "images", "appearance", "appearances", "feature",
    "features", "technique", "techniques", "method", "methods", "protocol",
    "comparison", "procedure", "procedures", "intervention", "diagnosis", "diagnoses",
    "differential", "differentials", "ddx", "dx", "impression", "interpretation",
    "assessment", "conclusion", "conclusions", "discussion", "comment", "comments",
    "commentary", "teaching", "point", "points", "pearl", "pearls", "pitfall",
    "pitfalls", "message", "messages", "objective", "objectives", "pathology",
    "histology", "histopathology", "pathophysiology", "pathogenesis", "etiology",
    "aetiology", "epidemiology", "anatomy", "treatment", "therapy", "management",
    "surgery", "prognosis", "outcome", "complication", "complications", "course",
    "follow", "followup", "confirmation", "description", "legend", "legends", "caption",
    "captions", "question", "questions", "answer", "answers", "explanation", "quiz",
    "lesion", "lesions", "disease", "tumor", "tumour", "recommendation",
    "recommendations", "ct", "cta", "mr", "mri", "mra", "pet", "spect", "us",
    "ultrasound", "ultrasonography", "sonography", "doppler", "xray", "xrays", "ray",
    "rays", "radiograph", "radiographs", "radiography", "mammogram", "mammography",
    "angiogram", "angiography", "fluoroscopy", "scintigraphy", "scan", "scans",
    /* German */
    "zusammenfassung", "einleitung", "anamnese", "vorgeschichte", "indikation",
    "fragestellung", "symptome", "symptomatik", "befund", "befunde", "bildbefund",
    "bildbefunde", "röntgenbefund", "bildgebung", "technik", "untersuchungstechnik",
    "methode", "methodik", "vergleich", "beurteilung", "diagnose", "diagnosen",
    "differentialdiagnose", "differentialdiagnosen", "differenzialdiagnose",
    "differenzialdiagnosen", "diskussion", "kommentar", "schlussfolgerung", "fazit",
    "lernpunkte", "pathologie", "ätiologie", "epidemiologie", "anatomie", "therapie",
    "behandlung", "verlauf", "prognose", "beschreibung", "legende", "frage", "fragen",
    "antwort", "antworten",
    /* French */
    "résumé", "histoire", "antécédents", "symptômes", "résultat", "résultats",
    "constatations", "diagnostic", "diagnostics", "commentaire", "commentaires",
    "comparaison", "interprétation", "imagerie", "traitement", "évolution",
    "anatomopathologie", "légende", "réponse", "réponses",
    /* Spanish and Portuguese */
    "resumen", "historia", "antecedentes", "hallazgos", "diagnóstico", "diagnósticos",
    "diferencial", "discusión", "comentario", "comentarios", "conclusión",
    "conclusiones", "técnica", "comparación", "tratamiento", "evolución", "patología",
    "leyenda", "descripción", "pregunta", "preguntas", "respuesta", "respuestas",
    "impresión", "indicación", "puntos", "resumo", "história", "achados", "discussão",
    "comentário", "comentários", "conclusão", "comparação", "tratamento", "evolução",
    "patologia", "descrição", "impressão", "indicação", "resposta",
    /* Italian */
    "storia", "anamnesi", "reperto", "reperti", "diagnosi", "differenziale",
    "discussione", "commento", "conclusione", "conclusioni", "tecnica", "confronto",
    "trattamento", "terapia", "decorso", "descrizione", "sintesi", "domanda",
    "risposta",
    /* Dutch */
    "voorgeschiedenis", "bevinding", "bevindingen", "conclusie",
    "differentiaaldiagnose", "discussie", "beloop", "behandeling", "techniek",
    "samenvatting", "vraagstelling"};

/* Words that may stand with them, and say nothing alone. */
static const char *const companions[] = {
    "and", "or", "of", "the", "a", "an", "for", "from", "in", "on", "with", "to", "s",
    "up", "pre", "post", "key", "main", "final", "initial", "provisional", "working",
    "definitive", "correct", "likely", "past", "present", "presenting", "prior",
    "previous", "further", "additional", "other", "relevant", "pertinent", "brief",
    "short", "detailed", "general", "important", "chief", "learning", "take", "home",
    "medical", "surgical", "family", "social", "physical", "patient", "patients",
    "case", "radiologic", "radiological", "radiographic", "radiology", "pathologic",
    "pathological", "histologic", "histological", "laboratory", "lab", "gross",
    "microscopic", "macroscopic", "operative", "preoperative", "postoperative", "plain",
    "contrast", "x", "chest", "abdomen", "abdominal", "pelvis", "pelvic", "brain",
    "head", "neck", "spine", "cardiac",
    /* German */
    "und", "oder", "der", "die", "das", "des", "zur", "zum", "klinisch", "klinische",
    "klinischer", "klinisches", "klinischen", "radiologischer", "radiologische",
    "histologischer", "weiterer",
    /* French, Spanish, Portuguese, Italian */
    "et", "de", "du", "la", "le", "les", "l", "d", "en", "clinique", "cliniques",
    "radiologique", "radiologiques", "différentiel", "différentiels", "finale", "y",
    "e", "el", "los", "las", "por", "imagen", "clínica", "clínico", "clínicos", "clave",
    "radiológicos", "di", "da", "do", "clinica", "clinico"};

/* Where it takes all of them: of "information", "data" and "identification" it depends
 * on what. */
static const char *const whole[] = {
    "hospital-course",          "clinical-information", "clinical-data",
    "clinical-details",         "procedure-details",    "identification-of-the-lesion",
    "identification-of-lesion", "klinische-angaben",    "klinische-informationen",
    "renseignements-cliniques"};

/* ---- as a name ---- */

/* How many bytes at `c` part words: ASCII's signs, a blank that does not break, and
 * dashes, quotes and dots of the block General Punctuation. '#' is a word. */
static size_t parts_words(const unsigned char *c)
{
    if (*c < 0x80)
        return !isalnum(*c) && *c != '#';
    if (c[0] == 0xC2 && c[1] == 0xA0)
        return 2;
    return c[0] == 0xE2 && c[1] == 0x80 && c[2] != 0 ? 3 : 0;
}

static void name_folded(const char *folded, char *out)
{
    const unsigned char *c = (const unsigned char *)folded;
    size_t n = 0;
    while (*c && n + 1 < PF_MIRC_HEADING_ROOM) {
        const size_t skipped = parts_words(c);
        if (skipped == 0)
            out[n++] = (char)*c;
        else if (n > 0 && out[n - 1] != '-')
            out[n++] = '-';
        c += skipped > 0 ? skipped : 1;
    }
    n -= n > 0 && out[n - 1] == '-';
    out[*c ? 0 : n] = '\0';
}

bool pf_mirc_heading_name(const char *heading, size_t n, char *out, pf_err *err)
{
    char *copy = pf_strndup(heading, n, err);
    char *folded = copy ? pf_unicode_fold(copy, err) : NULL;
    if (folded)
        name_folded(folded, out);
    pf_free(copy);
    pf_free(folded);
    return folded != NULL;
}

/* ---- known ones ---- */

static bool has_word(const char *const *words, size_t count, const char *word, size_t n)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(words[i], word, n) == 0 && words[i][n] == '\0')
            return true;
    }
    return false;
}

bool pf_mirc_heading_is_known(const char *name)
{
    bool has_subject = false;
    if (has_word(whole, sizeof whole / sizeof *whole, name, strlen(name)))
        return true;
    while (*name) {
        const size_t n = strcspn(name, "-");
        const bool is_subject =
            has_word(subjects, sizeof subjects / sizeof *subjects, name, n);
        if (!is_subject && strspn(name, "0123456789") < n &&
            !has_word(companions, sizeof companions / sizeof *companions, name, n))
            return false;
        has_subject |= is_subject;
        name += n + (name[n] == '-');
    }
    return has_subject;
}
