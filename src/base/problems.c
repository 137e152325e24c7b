/* A growing list of copies. */
#include "base/problems.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

void problems_add(struct problems *problems, const char *text)
{
    problems->items = mem_grow_array(problems->items, &problems->cap, problems->count + 1,
                                     sizeof *problems->items);
    problems->items[problems->count++] =
        (struct problem){.text = mem_string(text), mem_string(""), mem_string("")};
}

static struct problem *newest(struct problems *problems)
{
    CHECK(problems->count > 0);
    return &problems->items[problems->count - 1];
}

void problems_extend(struct problems *problems, const char *words)
{
    struct problem *problem = newest(problems);
    char *text = mem_format("%s%s", problem->text, words);
    free(problem->text);
    problem->text = text;
}

void problems_mend(struct problems *problems, const char *statement)
{
    struct problem *problem = newest(problems);
    if (!problem->statement_count) {
        const char *run = strstr(problem->text, ": run");
        for (const char *next = run; next && (next = strstr(next + 1, ": run"));) {
            run = next;
        }
        problem->what_len = run ? (size_t)(run - problem->text) : strlen(problem->text);
    }
    problems_extend(problems, problem->statement_count ? "; " : " ");
    problems_extend(problems, statement);
    problem->statements = mem_grow_array(problem->statements, &problem->statement_cap,
                                         problem->statement_count + 1, sizeof *problem->statements);
    problem->statements[problem->statement_count++] =
        (struct statement){.sql = mem_string(statement)};
}

void problems_leave_to(struct problems *problems, const char *runner)
{
    struct problem *problem = newest(problems);
    CHECK(problem->statement_count > 0);
    struct statement *last = &problem->statements[problem->statement_count - 1];
    free(last->runner);
    last->runner = mem_string(runner);
}

void problems_concern(struct problems *problems, size_t first, const char *schema,
                      const char *table)
{
    for (size_t i = first; i < problems->count; i++) {
        struct problem *problem = &problems->items[i];
        free(problem->schema);
        free(problem->table);
        problem->schema = mem_string(schema);
        problem->table = mem_string(table);
    }
}

void problems_write(struct out *out, const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        out_format(out, i ? "\n%s" : "%s", problems->items[i].text);
    }
}

static bool add(struct err *all, const struct problem *problem)
{
    struct err one;
    err_set(&one, ERR_CONFIG, "%s", problem->text);
    err_stream(&one, problem->schema, problem->table);
    return err_add(all, &one);
}

bool problems_none(const struct problems *problems, struct err *err)
{
    struct err all = {0};
    for (size_t i = 0; i < problems->count; i++) {
        if (!add(&all, &problems->items[i])) {
            break;
        }
    }
    return err_collected(err, &all);
}

bool problems_of_stream(const struct problems *problems, size_t *next, struct err *err)
{
    struct err all = {0};
    const struct problem *items = problems->items;
    size_t i = *next;
    while (i < problems->count && !*items[i].table) {
        i++;
    }
    size_t first = i;
    while (i < problems->count && !strcmp(items[i].schema, items[first].schema) &&
           !strcmp(items[i].table, items[first].table)) {
        add(&all, &items[i++]);
    }
    *next = i;
    return !err_collected(err, &all);
}

void problems_forget(struct problems *problems, size_t first)
{
    while (problems->count > first) {
        struct problem *last = &problems->items[--problems->count];
        free(last->text);
        free(last->schema);
        free(last->table);
        for (size_t k = 0; k < last->statement_count; k++) {
            free(last->statements[k].sql);
            free(last->statements[k].runner);
        }
        free(last->statements);
    }
}

void problems_free(struct problems *problems)
{
    problems_forget(problems, 0);
    free(problems->items);
    *problems = (struct problems){0};
}
