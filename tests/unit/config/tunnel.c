/* Tunnels, in the two spellings. */
#include "parse.h"

TestSuite(tunnel, .init = start, .fini = stop);

#define FORWARD(endpoint)                                                                          \
    WITH("\"networkTunnel\":{\"sshForwarding\":{\"sshEndpoint\":\"" endpoint                       \
         "\",\"privateKey\":\"k\"}}")
#define METHOD(name, more)                                                                         \
    WITH("\"tunnel_method\":{\"tunnel_method\":\"" name "\",\"tunnel_host\":\"b\","                \
         "\"tunnel_port\":2222,\"tunnel_user\":\"u\"" more "}")

static void through(const char *text, const char *host, int port, const char *user)
{
    parse(text);
    cr_assert_str_eq(config->ssh.host, host);
    cr_assert_eq(config->ssh.port, port);
    cr_assert_str_eq(config->ssh.user, user);
    config_free(&config);
}

Test(tunnel, that_says_nothing_is_none)
{
    static const char *const none[] = {
        WITH("\"networkTunnel\":{\"sshForwarding\":{\"sshEndpoint\":\"\",\"privateKey\":\"\"}}"),
        WITH("\"networkTunnel\":{}"), WITH("\"networkTunnel\":{\"sshForwarding\":null}"),
        WITH("\"tunnel_method\":{\"tunnel_method\":\"NO_TUNNEL\"}"),
        WITH("\"tunnel_method\":{\"tunnel_method\":\"NO_TUNNEL\"},\"networkTunnel\":{}")};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        parse(none[i]);
        cr_expect_null(config->ssh.host, "%s", none[i]);
        config_free(&config);
    }
}

Test(tunnel, endpoints_name_user_host_and_port)
{
    through(FORWARD("ssh://u@bastion"), "bastion", 22, "u");
    through(FORWARD("ssh://u@bastion:2222"), "bastion", 2222, "u");
    through(FORWARD("ssh://a@b@10.0.0.1:65535"), "10.0.0.1", 65535, "a@b");
    through(FORWARD("ssh://u@[::1]:23"), "::1", 23, "u");
    through(FORWARD("ssh://u@[fe80::1]"), "fe80::1", 22, "u");
}

Test(tunnel, other_endpoints_are_refused)
{
    static const char *const wrong[] = {
        FORWARD("bastion"),       FORWARD("ssh://bastion"),  FORWARD("ssh://@bastion"),
        FORWARD("ssh://u@"),      FORWARD("ssh://u@b:"),     FORWARD("ssh://u@b:0"),
        FORWARD("ssh://u@b:2x"),  FORWARD("ssh://u@b/path"), FORWARD("ssh://u@b:65536"),
        FORWARD("ssh://u@[::1"),  FORWARD("ssh://u@[]:22"),  FORWARD("ssh://u@b:222222222222222"),
        FORWARD("http://u@hush"),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        refused(wrong[i], "config: networkTunnel.sshForwarding.sshEndpoint must be "
                          "ssh://user@host, or ssh://user@host:port");
    }
}

Test(tunnel, methods_log_in_with_a_key_or_a_password)
{
    through(METHOD("SSH_KEY_AUTH", ",\"ssh_key\":\"k\""), "b", 2222, "u");
    parse(METHOD("SSH_KEY_AUTH", ",\"ssh_key\":\"k\""));
    cr_assert_str_eq(config->ssh.key, "k");
    cr_assert_null(config->ssh.password);
    config_free(&config);
    parse(METHOD("SSH_PASSWORD_AUTH", ",\"tunnel_user_password\":\"p\""));
    cr_assert_str_eq(config->ssh.password, "p");
    cr_assert_null(config->ssh.key);
    config_free(&config);
    refused(METHOD("SSH_KEY_AUTH", ""), "config: tunnel_method.ssh_key is missing");
    refused(METHOD("SSH_PASSWORD_AUTH", ",\"ssh_key\":\"k\""),
            "config: tunnel_method.tunnel_user_password is missing");
    refused(METHOD("SSH", ""), "config: tunnel_method.tunnel_method is \"SSH\"; it must be one of "
                               "NO_TUNNEL, SSH_KEY_AUTH, SSH_PASSWORD_AUTH");
    refused(METHOD("SSH_KEY_AUTH", ",\"key\":\"hush\""),
            "config: tunnel_method.key is not an option");
}

Test(tunnel, is_given_once_and_to_a_host)
{
    refused(WITH("\"networkTunnel\":{\"sshForwarding\":{\"sshEndpoint\":\"ssh://u@b\","
                 "\"privateKey\":\"k\"}},\"tunnel_method\":{\"tunnel_method\":\"SSH_KEY_AUTH\","
                 "\"tunnel_host\":\"b\",\"tunnel_user\":\"u\",\"ssh_key\":\"k\"}"),
            "config: tunnel_method says the same as networkTunnel: give one of the two");
    refused("{\"host\":\"/run\",\"user\":\"u\",\"networkTunnel\":{\"sshForwarding\":{"
            "\"sshEndpoint\":\"ssh://u@b\",\"privateKey\":\"k\"}}}",
            "config: networkTunnel needs the server's name or address, not the directory of a "
            "socket");
}

#define KEY43 "uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s"

Test(tunnel, host_keys_are_fingerprints)
{
    static const char *const wrong[] = {"SHA256:", "MD5:00:11", KEY43, "SHA256:" KEY43 "=",
                                        "SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2-"};
    char json[200];
    parse(ADVANCED("\"tunnel_host_key\":\"SHA256:" KEY43 "\""));
    cr_assert_str_eq(config->ssh.host_key, "SHA256:" KEY43);
    parse(ADVANCED("\"tunnel_host_key\":\"\""));
    cr_assert_null(config->ssh.host_key);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(json, sizeof json, ADVANCED("\"tunnel_host_key\":\"%s\""), wrong[i]);
        cr_expect_null(config_parse(json, strlen(json), &notices, &err), "%s", json);
        cr_expect(strstr(err.message, "it must be a fingerprint as ssh-keygen -l prints it"));
    }
}
