/*
 * Reading the SSH server of a tunnel, in the two spellings:
 *
 *   {"sshForwarding":{"sshEndpoint":"ssh://user@host:22","privateKey":"-----BEGIN …"}}
 *   {"tunnel_method":"SSH_KEY_AUTH","tunnel_host":…,"tunnel_port":22,"tunnel_user":…,"ssh_key":…}
 *   {"tunnel_method":"SSH_PASSWORD_AUTH",…,"tunnel_user_password":…}
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "option.h"

enum { SSH_PORT = 22 };

static bool check_members(const struct json_at *object, const char *const *known, struct err *err)
{
    const cJSON *item;
    if (!json_object(object, err)) {
        return false;
    }
    cJSON_ArrayForEach(item, object->item)
    {
        struct json_at at = json_child(object, item);
        const char *const *name = known;
        while (at.item && *name && strcmp(*name, at.name) != 0) {
            name++;
        }
        if (!*name) {
            return json_error(&at, err, "is not an option");
        }
    }
    return true;
}

static bool take_text(const struct json_at *object, const char *name, char **to, struct err *err)
{
    const char *text;
    struct json_at at = json_member(object, name);
    if (!at.item) {
        return json_error(&at, err, "is missing");
    }
    if (!option_text(&at, &text, err)) {
        return false;
    }
    *to = mem_string(text);
    return true;
}

static bool take_port(const char *text, struct ssh *ssh)
{
    long port = SSH_PORT;
    if (*text) {
        bool digits = *text == ':' && text[1] && strspn(text + 1, "0123456789") == strlen(text + 1);
        port = digits && strlen(text) < 7 ? strtol(text + 1, NULL, 10) : 0;
    }
    ssh->port = (int)port;
    return port >= 1 && port <= 65535;
}

/* user@host, user@host:port, user@[v6]:port */
static bool take_place(const char *text, struct ssh *ssh)
{
    const char *at = strrchr(text, '@');
    if (!at || at == text) {
        return false;
    }
    bool bracket = at[1] == '[';
    const char *host = at + 1 + bracket;
    size_t len = strcspn(host, bracket ? "]" : ":/");
    const char *rest = host + len;
    if (!len || (bracket && !*rest)) {
        return false;
    }
    ssh->user = mem_string_n(text, (size_t)(at - text));
    ssh->host = mem_string_n(host, len);
    return take_port(rest + bracket, ssh);
}

/* Errors do not show the value: it may contain a password, though none belongs there. */
static bool read_endpoint(const struct json_at *forwarding, struct ssh *ssh, struct err *err)
{
    static const char scheme[] = "ssh://";
    const char *text;
    struct json_at at = json_member(forwarding, "sshEndpoint");
    if (!at.item) {
        return json_error(&at, err, "is missing");
    }
    if (!option_text(&at, &text, err)) {
        return false;
    }
    return (!strncmp(text, scheme, strlen(scheme)) && take_place(text + strlen(scheme), ssh)) ||
           json_error(&at, err, "must be ssh://user@host, or ssh://user@host:port");
}

static bool check_host(const struct json_at *at, const struct config *config, struct err *err)
{
    return !config->host || *config->host != '/' ||
           json_error(at, err, "needs the server's name or address, not the directory of a socket");
}

bool read_tunnel(const struct json_at *at, const struct option *option, struct config *config,
                 struct err *err)
{
    static const char *const outer[] = {"sshForwarding", NULL};
    static const char *const inner[] = {"sshEndpoint", "privateKey", NULL};
    struct ssh *ssh = option_field(config, option);
    struct json_at forwarding = json_member(at, "sshForwarding");
    return check_members(at, outer, err) && check_members(&forwarding, inner, err) &&
           read_endpoint(&forwarding, ssh, err) &&
           take_text(&forwarding, "privateKey", &ssh->key, err) && check_host(at, config, err);
}

/* A key's fingerprint, as ssh-keygen -l prints it and as libssh computes it. */
bool read_host_key(const struct json_at *at, const struct option *option, struct config *config,
                   struct err *err)
{
    static const char hash[] = "SHA256:";
    enum { DIGITS = 43 }; /* of 32 bytes */
    const char *text;
    if (!option_text(at, &text, err)) {
        return false;
    }
    const char *digits = text + strlen(hash);
    if (strncmp(text, hash, strlen(hash)) != 0 || strlen(digits) != DIGITS ||
        strspn(digits, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") !=
            DIGITS) {
        return json_error(at, err,
                          "is %s; it must be a fingerprint as ssh-keygen -l prints it: SHA256: "
                          "and %d letters, digits, + and /",
                          json_show(text).s, DIGITS);
    }
    option_set_string(config, option, text);
    return true;
}

static bool read_server(const struct json_at *at, struct ssh *ssh, struct err *err)
{
    int64_t number = SSH_PORT;
    struct json_at port = json_member(at, "tunnel_port");
    bool ok = take_text(at, "tunnel_host", &ssh->host, err) &&
              (!port.item || json_integer(&port, 1, 65535, &number, err)) &&
              take_text(at, "tunnel_user", &ssh->user, err);
    ssh->port = (int)number;
    return ok;
}

bool read_tunnel_method(const struct json_at *at, const struct option *option,
                        struct config *config, struct err *err)
{
    static const char *const known[] = {
        "tunnel_method", "tunnel_host",          "tunnel_port", "tunnel_user",
        "ssh_key",       "tunnel_user_password", NULL};
    struct ssh *ssh = option_field(config, option);
    struct json_at method = json_member(at, "tunnel_method");
    const char *name;
    if (!check_members(at, known, err) || !json_string(&method, &name, err)) {
        return false;
    }
    if (!strcmp(name, "NO_TUNNEL")) {
        return true;
    }
    if (!strcmp(name, "SSH_KEY_AUTH")) {
        return read_server(at, ssh, err) && take_text(at, "ssh_key", &ssh->key, err) &&
               check_host(at, config, err);
    }
    if (!strcmp(name, "SSH_PASSWORD_AUTH")) {
        return read_server(at, ssh, err) &&
               take_text(at, "tunnel_user_password", &ssh->password, err) &&
               check_host(at, config, err);
    }
    return json_error(&method, err,
                      "is %s; it must be one of NO_TUNNEL, SSH_KEY_AUTH, SSH_PASSWORD_AUTH",
                      json_show(name).s);
}
