/* Where the server is: a host alone, or with its port, in the two spellings. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "option.h"

/* Errors never show the value: it may be a URL with a password. */
static bool host_text(const struct json_at *at, const char **text, struct err *err)
{
    if (!option_text(at, text, err)) {
        return false;
    }
    if (strstr(*text, "://")) {
        return json_error(at, err, "must name the host alone: it holds a URL");
    }
    if (**text != '/' && strpbrk(*text, " \t\r\n@")) {
        return json_error(at, err, "must name the host alone: it holds a space or an @");
    }
    return true;
}

bool read_host(const struct json_at *at, const struct option *option, struct config *config,
               struct err *err)
{
    const char *text;
    if (!host_text(at, &text, err)) {
        return false;
    }
    const char *colon = strchr(text, ':');
    if (*text != '/' && (*text == '[' || (colon && !strchr(colon + 1, ':')))) {
        return json_error(at, err, "must not hold a port: use port for it, or address");
    }
    option_set_string(config, option, text);
    return true;
}

static bool address_port(const struct json_at *at, const char *text, struct config *config,
                         struct err *err)
{
    long port = 0;
    if (*text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 6) {
        port = strtol(text, NULL, 10);
    }
    if (port < 1 || port > 65535) {
        return json_error(at, err, "must end in a port from 1 to 65535 behind its colon");
    }
    if (config->port && config->port != port) {
        return json_error(at, err, "holds a port other than port: give it once");
    }
    config->port = (int)port;
    return true;
}

/* host, host:port, [v6], [v6]:port, or a bare v6, which has more than one colon. */
bool read_address(const struct json_at *at, const struct option *option, struct config *config,
                  struct err *err)
{
    const char *text, *rest;
    if (!host_text(at, &text, err)) {
        return false;
    }
    size_t len = *text == '/' ? strlen(text) : strcspn(text, ":");
    if (*text == '[') {
        len = strcspn(++text, "]");
        rest = text[len] ? text + len + 1 : "x";
    } else {
        len = text[len] && strchr(text + len + 1, ':') ? strlen(text) : len;
        rest = text + len;
    }
    if (!len || (*rest && *rest != ':')) {
        return json_error(at, err, "must be host, host:port, or [address]:port");
    }
    if (*rest && !address_port(at, rest + 1, config, err)) {
        return false;
    }
    free(config->host);
    *(char **)option_field(config, option) = mem_string_n(text, len);
    return true;
}
