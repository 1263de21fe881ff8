#include "bench/report/page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/panic.h"

#define PATH_BYTES 512

bool page_begin(struct page *page, const char *plot_folder)
{
    *page = (struct page){.plot_folder = plot_folder, .beside_head = "published"};
    if (mkdir(plot_folder, 0777) != 0 && errno != EEXIST) {
        perror(plot_folder);
        return false;
    }
    page->body = open_memstream(&page->text, &page->text_bytes);
    return page->body != NULL;
}

void page_table(struct page *page, const char *table, const char *title)
{
    (void)snprintf(page->table, sizeof(page->table), "%s", table);
    fprintf(page->body, "\n## %s: %s\n\n", table, title);
}

void page_head(struct page *page, const char *cells)
{
    fprintf(page->body, "| %s |\n|---", cells);
    for (const char *c = strchr(cells, '|'); c != NULL; c = strchr(c + 1, '|')) {
        fprintf(page->body, "|---");
    }
    fprintf(page->body, "|\n");
}

const char *page_milli(uint64_t milli, char text_out[PAGE_TEXT_BYTES])
{
    (void)snprintf(text_out, PAGE_TEXT_BYTES, "%" PRIu64 ".%03" PRIu64, milli / 1000, milli % 1000);
    size_t end = strlen(text_out);
    while (text_out[end - 1] == '0') {
        text_out[--end] = 0;
    }
    if (text_out[end - 1] == '.') {
        text_out[--end] = 0;
    }
    return text_out;
}

const char *page_ms(uint64_t ns, char text_out[PAGE_TEXT_BYTES])
{
    if (ns >= 100 * UINT64_C(1000000)) {
        (void)snprintf(text_out, PAGE_TEXT_BYTES, "%" PRIu64, (ns + 500000) / 1000000);
        return text_out;
    }
    return page_milli((ns + 50000) / 100000 * 100, text_out);
}

static bool is_passed(const struct mark *mark)
{
    if (mark->is_unmeasured) {
        return false;
    }
    return mark->is_at_least ? mark->ours_milli >= mark->limit_milli
                             : mark->ours_milli <= mark->limit_milli;
}

static void print_mark(FILE *out, const struct mark *mark)
{
    char ours[PAGE_TEXT_BYTES];
    char limit[PAGE_TEXT_BYTES];
    (void)page_milli(mark->ours_milli, ours);
    fprintf(out, "%s | %s | %s%s | %s %s%s | %s", mark->what,
            mark->published[0] == 0 ? "-" : mark->published,
            mark->is_unmeasured ? "not measured" : ours, mark->is_unmeasured ? "" : mark->unit,
            mark->is_at_least ? ">=" : "<=", page_milli(mark->limit_milli, limit), mark->unit,
            is_passed(mark) ? "PASS" : "**MISSED**");
}

void page_mark(struct page *page, const struct mark *mark)
{
    GKV_ASSERT(page->mark_count < PAGE_MARK_COUNT_MAX);
    memcpy(page->marks[page->mark_count].table, page->table, sizeof(page->table));
    page->marks[page->mark_count++].mark = *mark;
}

static bool has_marks(const struct page *page)
{
    for (uint32_t i = 0; i < page->mark_count; i++) {
        if (strcmp(page->marks[i].table, page->table) == 0) {
            return true;
        }
    }
    return false;
}

void page_marks(struct page *page)
{
    const char *table = page->table;
    if (!has_marks(page)) {
        return;
    }
    fprintf(page->body, "\n");
    fprintf(page->body, "| mark | %s | ours | limit | verdict |\n|---|---|---|---|---|\n",
            page->beside_head);
    for (uint32_t i = 0; i < page->mark_count; i++) {
        if (strcmp(page->marks[i].table, table) == 0) {
            fprintf(page->body, "| ");
            print_mark(page->body, &page->marks[i].mark);
            fprintf(page->body, " |\n");
        }
    }
    for (uint32_t i = 0; i < page->mark_count; i++) {
        const struct mark *mark = &page->marks[i].mark;
        const bool is_told = mark->why == NULL && page->reasons != NULL;
        if (strcmp(page->marks[i].table, table) == 0 && !is_passed(mark) && !is_told) {
            fprintf(page->body, "\nMissed, %s: %s.\n", mark->what,
                    mark->why != NULL ? mark->why : "why is not known");
        }
    }
}

bool page_plot(struct page *page, const struct plot *plot)
{
    char path[PATH_BYTES];
    char name[PAGE_TEXT_BYTES];
    (void)snprintf(name, sizeof(name), "t%02d.svg", atoi(page->table + 1));
    (void)snprintf(path, sizeof(path), "%s/%s", page->plot_folder, name);
    const char *slash = strrchr(page->plot_folder, '/');
    page_marks(page);
    fprintf(page->body, "\n![%s](%s/%s)\n", plot->title,
            slash == NULL ? page->plot_folder : slash + 1, name);
    return plot_write(plot, path);
}

void page_end(struct page *page, FILE *out)
{
    uint32_t passed_count = 0;
    for (uint32_t i = 0; i < page->mark_count; i++) {
        passed_count += is_passed(&page->marks[i].mark);
    }
    fclose(page->body);
    fprintf(out, "%" PRIu32 " of %" PRIu32 " marks are passed.\n\n", passed_count,
            page->mark_count);
    fprintf(out, "| table | mark | %s | ours | limit | verdict |\n|---|---|---|---|---|---|\n",
            page->beside_head);
    for (uint32_t i = 0; i < page->mark_count; i++) {
        fprintf(out, "| %s | ", page->marks[i].table);
        print_mark(out, &page->marks[i].mark);
        fprintf(out, " |\n");
    }
    if (page->reasons != NULL) {
        fprintf(out, "\n%s\n", page->reasons);
    }
    fprintf(out, "%s", page->text);
    free(page->text);
}
