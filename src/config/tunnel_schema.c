/* The schema of the members of a tunnel's options, in the order of the forms. */
#include <stdio.h>

#include "option.h"

#define SECRET    ",\"airbyte_secret\":true,\"secret\":true"
#define MULTILINE ",\"multiline\":true"

/* `more`: members of its own. */
static void write_text(struct out *out, const char *name, int order, const char *title,
                       const char *more)
{
    out_format(
        out, "\"%s\":{\"type\":\"string\",\"title\":\"%s\",\"description\":\"%s.\",\"order\":%d%s}",
        name, title, title, order, more);
}

void network_tunnel_schema(struct out *out)
{
    out_string(out, ",\"properties\":{\"sshForwarding\":{\"type\":\"object\",\"order\":0,"
                    "\"title\":\"SSH forwarding\",\"description\":\"Where to log in, and with "
                    "what.\",\"properties\":{");
    write_text(out, "sshEndpoint", 0, "SSH server, as ssh://user@host:port",
               ",\"pattern\":\"^(ssh://.+@.+)?$\"");
    out_char(out, ',');
    write_text(out, "privateKey", 1, "Private key of the user, without a passphrase",
               SECRET MULTILINE);
    out_string(out, "}}}");
}

static void begin_method(struct out *out, const char *name, const char *title)
{
    char constant[64];
    snprintf(constant, sizeof constant, ",\"const\":\"%s\"", name);
    out_format(out, "{\"title\":\"%s\",\"properties\":{", title);
    write_text(out, "tunnel_method", 0, title, constant);
}

/* A method that logs in with a secret. */
static void write_login(struct out *out, const char *name, const char *title, const char *secret,
                        const char *secret_title, const char *more)
{
    begin_method(out, name, title);
    out_char(out, ',');
    write_text(out, "tunnel_host", 1, "Name or address of the SSH server", "");
    out_string(out, ",\"tunnel_port\":{\"type\":\"integer\",\"title\":\"Port of the SSH server\","
                    "\"description\":\"Port of the SSH server.\",\"order\":2,\"default\":22,"
                    "\"minimum\":1,\"maximum\":65535},");
    write_text(out, "tunnel_user", 3, "User to log in as", "");
    out_char(out, ',');
    write_text(out, secret, 4, secret_title, more);
    out_format(out,
               "},\"required\":[\"tunnel_method\",\"tunnel_host\",\"tunnel_port\","
               "\"tunnel_user\",\"%s\"]}",
               secret);
}

void tunnel_method_schema(struct out *out)
{
    out_string(out, ",\"oneOf\":[");
    begin_method(out, "NO_TUNNEL", "No tunnel");
    out_string(out, "},\"required\":[\"tunnel_method\"]},");
    write_login(out, "SSH_KEY_AUTH", "Log in with a key", "ssh_key",
                "Private key of the user, without a passphrase", SECRET MULTILINE);
    out_char(out, ',');
    write_login(out, "SSH_PASSWORD_AUTH", "Log in with a password", "tunnel_user_password",
                "Password of the user", SECRET);
    out_char(out, ']');
}
