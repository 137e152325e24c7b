/* From a JSON object to a checked configuration, row by row of the table of options. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/cores.h"
#include "base/mem.h"
#include "option.h"

struct reading {
    struct json_at root;
    struct config *config;
    struct out *notices;
    const cJSON **given; /* an item an option; NULL: none */
    struct err faults;   /* all faults: they are reported together */
};

static void check_group(struct reading *, const struct json_at *object, const char *group);
static void read_options(struct reading *);

static void name_other_slot(struct config *config)
{
    int room = SLOT_NAME - (int)strlen(SLOT_SUFFIX);
    config->other_slot = mem_format("%.*s" SLOT_SUFFIX, room, config->slot);
}

int config_workers_of(int cores, int memory_limit_mb)
{
    enum { MOST = 8, MB_EACH = 12 }; /* a third of the memory is for other uses */
    int room = memory_limit_mb / MB_EACH, most = room < MOST ? room : MOST;
    return cores < most ? cores : most;
}

static void choose_workers(struct config *config)
{
    if (!config->backfill_workers) {
        config->backfill_workers = config_workers_of(cores_usable(), config->memory_limit_mb);
    }
}

struct config *config_parse(const char *json, size_t len, struct out *notices, struct err *err)
{
    cJSON *document = json_parse("config", json, len, err);
    struct config *config = document ? config_read(document, notices, err) : NULL;
    cJSON_Delete(document);
    return config;
}

struct config *config_read(const cJSON *document, struct out *notices, struct err *err)
{
    struct reading reading = {
        .root = json_root("config", document),
        .config = mem_zero(sizeof *reading.config),
        .notices = notices,
        .given = mem_zero((size_t)option_count * sizeof *reading.given),
    };
    check_group(&reading, &reading.root, NULL);
    if (cJSON_IsObject(document)) {
        read_options(&reading);
    }
    if (!err_collected(err, &reading.faults)) {
        config_free(&reading.config);
    } else {
        name_other_slot(reading.config);
        choose_workers(reading.config);
    }
    free((void *)reading.given);
    return reading.config;
}

void config_use_other_slot(struct config *config)
{
    char *slot = config->slot;
    config->slot = config->other_slot;
    config->other_slot = slot;
}

static void free_strings(char **strings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(strings[i]);
    }
}

void config_free(struct config **config)
{
    struct config *c = *config;
    *config = NULL;
    if (!c) {
        return;
    }
    char *strings[] = {c->host,       c->user,        c->password,          c->database,
                       c->sslmode,    c->sslrootcert, c->sslcert,           c->sslkey,
                       c->slot,       c->publication, c->watermarks_schema, c->watermarks_table,
                       c->source_tag, c->other_slot,  c->password_file};
    free_strings(strings, sizeof strings / sizeof *strings);
    char *ssh[] = {c->ssh.host, c->ssh.user, c->ssh.key, c->ssh.password, c->ssh.host_key};
    free_strings(ssh, sizeof ssh / sizeof *ssh);
    struct credentials *auth = &c->credentials;
    char *secrets[] = {auth->type,
                       auth->aws_region,
                       auth->aws_access_key_id,
                       auth->aws_secret_access_key,
                       auth->aws_session_token,
                       auth->token};
    free_strings(secrets, sizeof secrets / sizeof *secrets);
    json_strings_free(&c->skip_backfills);
    json_strings_free(&c->emit_messages);
    char ***lists[] = {&c->discover_schemas, &c->discovery.included, &c->discovery.excluded,
                       &c->discovery.patterns};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_strings_free(lists[i]);
    }
    free(c);
}

static const struct option *find_option(const char *path)
{
    for (int i = 0; i < option_count; i++) {
        if (!strcmp(options[i].path, path)) {
            return &options[i];
        }
    }
    return NULL;
}

static bool is_group(const char *name)
{
    for (int i = 0; i < option_group_count; i++) {
        if (!strcmp(option_groups[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool check_name(const struct json_at *at, const char *group, struct err *err)
{
    char *path = mem_format("%s%s%s", group ? group : "", group ? "." : "", at->name);
    bool known = !strchr(at->name, '.') && find_option(path);
    if (!known) {
        json_error(at, err, "is not an option; the nearest one is %s", option_nearest(path)->path);
    }
    free(path);
    return known;
}

/* Members that are null are not checked: they count as not given. */
static void check_group(struct reading *reading, const struct json_at *object, const char *group)
{
    const cJSON *item;
    struct err err;
    if (!json_object(object, &err)) {
        err_add(&reading->faults, &err);
        return;
    }
    cJSON_ArrayForEach(item, object->item)
    {
        struct json_at at = json_child(object, item);
        if (at.item && !group && is_group(at.name)) {
            check_group(reading, &at, at.name);
        } else if (at.item && !check_name(&at, group, &err) && !err_add(&reading->faults, &err)) {
            return;
        }
    }
}

/* null, "", 0, false, and arrays and objects of nothing else. */
static bool says_nothing(const cJSON *item)
{
    if (cJSON_IsString(item)) {
        return !*item->valuestring;
    }
    if (cJSON_IsNumber(item)) {
        return item->valuedouble == 0;
    }
    const cJSON *child;
    cJSON_ArrayForEach(child, item)
    {
        if (!says_nothing(child)) {
            return false;
        }
    }
    return !cJSON_IsTrue(item);
}

static bool is_blank(const struct option *option, const cJSON *item)
{
    bool number = cJSON_IsNumber(item) && !strcmp(option->type, "integer");
    bool may_be = cJSON_IsString(item) || cJSON_IsObject(item) || number;
    return (option->flags & OPTION_BLANK) && may_be && says_nothing(item);
}

/*
 * Forms fill in defaults, also beside another spelling of the same option: so a given default
 * counts as not given.
 */
static bool is_default(const struct option *option, const cJSON *item)
{
    cJSON *fallback = option->fallback ? cJSON_Parse(option->fallback) : NULL;
    bool same = fallback && cJSON_Compare(fallback, item, true);
    cJSON_Delete(fallback);
    return same;
}

/* The other spelling of an option that was given already, or NULL. */
static const struct option *given_as(const struct reading *reading, const struct option *option)
{
    for (int i = 0; i < option_count; i++) {
        if (reading->given[i] && options[i].field == option->field &&
            option->field != OPTION_NO_FIELD) {
            return &options[i];
        }
    }
    return NULL;
}

static void notice(struct out *notices, const char *path)
{
    if (notices->len) {
        out_char(notices, '\n');
    }
    out_format(notices, "%s is accepted but not acted on", path);
}

static bool read_at(struct reading *reading, const struct option *option, const struct json_at *at,
                    struct err *err)
{
    if (!at->item || is_blank(option, at->item) || is_default(option, at->item)) {
        return true;
    }
    const struct option *other = given_as(reading, option);
    if (other && cJSON_Compare(reading->given[other - options], at->item, true)) {
        return true;
    }
    if (other) {
        return json_error(at, err, "says the same as %s: give one of the two", other->path);
    }
    if (!option->read(at, option, reading->config, err)) {
        return false;
    }
    reading->given[option - options] = at->item;
    if ((option->flags & OPTION_NOTICE) && !says_nothing(at->item)) {
        notice(reading->notices, option->path);
    }
    if (option->read == read_flags) {
        flags_notice(at->item->valuestring, reading->notices);
    }
    return true;
}

static bool read_option(struct reading *reading, const struct option *option, struct err *err)
{
    const char *leaf;
    const struct option_group *group = option_group(option, &leaf);
    if (!group) {
        struct json_at at = json_member(&reading->root, leaf);
        if (!at.item && (option->flags & OPTION_REQUIRED)) {
            return json_error(&at, err, "is missing");
        }
        return read_at(reading, option, &at, err);
    }
    struct json_at object = json_member(&reading->root, group->name);
    struct json_at at = json_member(&object, leaf);
    return read_at(reading, option, &at, err);
}

/* Defaults are read like values of a user, and cannot be wrong. */
static void read_default(struct reading *reading, const struct option *option)
{
    struct err err;
    cJSON *item = cJSON_Parse(option->fallback);
    struct json_at at = json_root(option->path, item);
    option->read(&at, option, reading->config, &err);
    cJSON_Delete(item);
}

static bool has_value(const struct reading *reading, const struct option *option)
{
    bool is_port = option->field == offsetof(struct config, port);
    return given_as(reading, option) || (is_port && reading->config->port); /* from the address */
}

static void find_host_missing(struct reading *reading)
{
    struct json_at host = json_member(&reading->root, "host");
    struct err err;
    if (!host.item && !json_member(&reading->root, "address").item) {
        json_error(&host, &err, "is missing: give host, or address");
        err_add(&reading->faults, &err);
    }
}

static void read_options(struct reading *reading)
{
    struct err err;
    find_host_missing(reading);
    reading->config->flow_spelling = json_member(&reading->root, "address").item != NULL;
    for (int i = 0; i < option_count; i++) {
        if (!read_option(reading, &options[i], &err)) {
            err_add(&reading->faults, &err);
        }
    }
    for (int i = 0; i < option_count; i++) {
        if (options[i].fallback && !has_value(reading, &options[i])) {
            read_default(reading, &options[i]);
        }
    }
}
