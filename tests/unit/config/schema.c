#include <criterion/criterion.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "option.h"

static struct out out;
static cJSON *schema;
static struct json_at root;

static void start(void)
{
    struct err err;
    out_init(&out, 0);
    config_schema(&out);
    schema = json_parse("schema", out.data, out.len, &err);
    cr_assert_not_null(schema, "%s", err.message);
    root = json_root("schema", schema);
}

static void stop(void)
{
    cJSON_Delete(schema);
    out_free(&out);
}

TestSuite(schema, .init = start, .fini = stop);

static const cJSON *at(const char *path)
{
    char copy[200], *rest = copy;
    struct json_at places[10] = {root};
    int depth = 0;
    strcpy(copy, path);
    for (char *name; (name = strsep(&rest, "/")); depth++) {
        places[depth + 1] = json_member(&places[depth], name);
    }
    return places[depth].item;
}

Test(schema, is_one_line)
{
    cr_assert_null(memchr(out.data, '\n', out.len));
}

Test(schema, asks_for_a_user_and_for_a_host_unless_there_is_an_address)
{
    cr_assert_eq(cJSON_GetArraySize(at("required")), 1);
    cr_assert_str_eq(at("required")->child->valuestring, "user");
    cr_assert_str_eq(at("if/not/required")->child->valuestring, "address");
    cr_assert_str_eq(at("then/required")->child->valuestring, "host");
}

Test(schema, every_option_is_shown_or_hidden)
{
    for (int i = 0; i < option_count; i++) {
        const char *leaf;
        char path[200];
        const struct option_group *group = option_group(&options[i], &leaf);
        snprintf(path, sizeof path, "properties/%s%s%s", group ? group->name : "",
                 group ? "/properties/" : "", leaf);
        cr_expect_eq(at(path) == NULL, !!(options[i].flags & OPTION_HIDDEN), "%s", path);
        cr_expect(options[i].title || (options[i].flags & OPTION_HIDDEN), "%s", path);
        cr_expect(!strchr(leaf, '.'), "%s", path);
    }
}

Test(schema, secrets_are_masked)
{
    static const char *const secrets[] = {"properties/password",
                                          "properties/credentials/properties/password",
                                          "properties/advanced/properties/sslkey"};
    for (size_t i = 0; i < 3; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/airbyte_secret", secrets[i]);
        cr_expect(cJSON_IsTrue(at(path)));
        snprintf(path, sizeof path, "%s/secret", secrets[i]);
        cr_expect(cJSON_IsTrue(at(path)));
    }
    cr_assert_null(at("properties/user/secret"));
}

Test(schema, pem_texts_have_room)
{
    cr_assert(cJSON_IsTrue(at("properties/advanced/properties/sslrootcert/multiline")));
    cr_assert(cJSON_IsTrue(at("properties/advanced/properties/sslkey/multiline")));
    cr_assert_null(at("properties/password/multiline"));
}

Test(schema, defaults_ranges_and_choices_are_in_it)
{
    cr_assert_eq(at("properties/port/default")->valuedouble, 5432);
    cr_assert_eq(at("properties/port/maximum")->valuedouble, 65535);
    cr_assert_str_eq(at("properties/slot_name/default")->valuestring, "flow_slot");
    cr_assert_eq(cJSON_GetArraySize(at("properties/advanced/properties/sslmode/enum")), 6);
    cr_assert_eq(at("properties/advanced/properties/memory_limit_mb/minimum")->valuedouble, 16);
    cr_assert_str_eq(at("properties/advanced/properties/discover_schemas/items/type")->valuestring,
                     "string");
}

static void check_orders(const cJSON *properties)
{
    const cJSON *property;
    bool seen[100] = {false};
    cr_assert_not_null(properties);
    cJSON_ArrayForEach(property, properties)
    {
        const cJSON *order = cJSON_GetObjectItem(property, "order");
        cr_assert(cJSON_IsNumber(order), "%s", property->string);
        cr_assert(order->valueint >= 0 && order->valueint < 100 && !seen[order->valueint]);
        seen[order->valueint] = true;
    }
}

Test(schema, orders_are_given_once)
{
    check_orders(at("properties"));
    check_orders(at("properties/advanced/properties"));
    check_orders(at("properties/credentials/properties"));
}

/* An otherwise sufficient config with one option more. */
static void check_value(const struct option *option, const char *value)
{
    struct out notices, json;
    struct err err;
    const char *leaf;
    const struct option_group *group = option_group(option, &leaf);
    bool host = !strcmp(option->path, "host") || !strcmp(option->path, "address");
    bool user = !strcmp(option->path, "user");
    out_init(&notices, 0);
    out_init(&json, 0);
    out_format(&json, "{%s%s%s%s%s\"%s\":%s%s}", host ? "" : "\"host\":\"h\",",
               user ? "" : "\"user\":\"u\",", group ? "\"" : "", group ? group->name : "",
               group ? "\":{" : "", leaf, value, group ? "}" : "");
    struct config *config = config_parse(json.data, json.len, &notices, &err);
    cr_expect(config, "%s: %s", option->path, err.message);
    config_free(&config);
    out_free(&json);
    out_free(&notices);
}

Test(schema, defaults_and_examples_pass_their_own_readers)
{
    for (int i = 0; i < option_count; i++) {
        if (options[i].fallback) {
            check_value(&options[i], options[i].fallback);
        }
        if (options[i].example) {
            check_value(&options[i], options[i].example);
        }
    }
}

static void check_matches(const struct option *option, const char *json)
{
    regex_t pattern;
    cJSON *value = json ? cJSON_Parse(json) : NULL;
    if (option->pattern && value) {
        cr_assert_eq(regcomp(&pattern, option->pattern, REG_EXTENDED | REG_NOSUB), 0);
        cr_expect_eq(regexec(&pattern, value->valuestring, 0, NULL, 0), 0, "%s", option->path);
        regfree(&pattern);
    }
    cJSON_Delete(value);
}

/* Forms send "" for what was left empty. */
Test(schema, patterns_match_what_is_allowed)
{
    for (int i = 0; i < option_count; i++) {
        const struct option *option = &options[i];
        check_matches(option, option->fallback);
        check_matches(option, option->example);
        check_matches(option, option->flags & OPTION_BLANK ? "\"\"" : NULL);
        cr_expect_eq(!option->pattern, !option->pattern_says, "%s", option->path);
    }
}

Test(schema, airbytes_forms_leave_out_flows_spellings)
{
    static const char *const hidden[] = {"properties/address", "properties/credentials",
                                         "properties/advanced/properties/slotName"};
    for (size_t i = 0; i < 3; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/airbyte_hidden", hidden[i]);
        cr_expect(cJSON_IsTrue(at(path)), "%s", path);
    }
    cr_assert_null(at("properties/slot_name/airbyte_hidden"));
    cr_assert(cJSON_IsTrue(at("properties/host/always_show")));
    cr_assert_str_eq(at("properties/slot_name/pattern_descriptor")->valuestring,
                     "lower-case letters, digits and underscores");
}
