/* Logging in with a password, to a server of libssh's own. The system tests log in with keys. */
#include "login.h"

#include <criterion/criterion.h>
#include <libssh/callbacks.h>
#include <libssh/server.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static ssh_bind server;
static pthread_t thread;
static struct err err;

static int judge(ssh_session session, const char *user, const char *password, void *context)
{
    (void)session, (void)context;
    return !strcmp(user, "u") && !strcmp(password, "right") ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
}

/* Lets "u" in with "right"; others may try as often as they like. */
static void *serve(void *context)
{
    struct ssh_server_callbacks_struct callbacks = {.auth_password_function = judge};
    ssh_session session = ssh_new();
    ssh_event event = ssh_event_new();
    (void)context;
    ssh_callbacks_init(&callbacks);
    ssh_set_server_callbacks(session, &callbacks);
    ssh_set_auth_methods(session, SSH_AUTH_METHOD_PASSWORD);
    if (!ssh_bind_accept(server, session) && !ssh_handle_key_exchange(session)) {
        ssh_event_add_session(event, session);
        while (ssh_is_connected(session) && ssh_event_dopoll(event, 1000) != SSH_ERROR) {
        }
    }
    ssh_event_free(event);
    ssh_disconnect(session);
    ssh_free(session);
    return NULL;
}

static int start_server(void)
{
    struct sockaddr_in at;
    socklen_t len = sizeof at;
    int any = 0;
    ssh_key key;
    server = ssh_bind_new();
    ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key);
    ssh_bind_options_set(server, SSH_BIND_OPTIONS_IMPORT_KEY, key);
    ssh_bind_options_set(server, SSH_BIND_OPTIONS_BINDADDR, "127.0.0.1");
    ssh_bind_options_set(server, SSH_BIND_OPTIONS_BINDPORT, &any);
    cr_assert_eq(ssh_bind_listen(server), 0, "%s", ssh_get_error(server));
    getsockname(ssh_bind_get_fd(server), (struct sockaddr *)&at, &len);
    pthread_create(&thread, NULL, serve, NULL);
    return ntohs(at.sin_port);
}

static bool let_in(const char *password, char *fingerprint)
{
    struct ssh to = {.host = (char *)"127.0.0.1",
                     .port = start_server(),
                     .user = (char *)"u",
                     .password = (char *)password};
    ssh_session session = login(&to, fingerprint, -1, &err);
    bool ok = session != NULL;
    logout(&session);
    pthread_join(thread, NULL);
    ssh_bind_free(server);
    return ok;
}

Test(login, with_a_password)
{
    char fingerprint[FINGERPRINT] = "";
    cr_assert(let_in("right", fingerprint), "%s", err.message);
    cr_assert_eq(strncmp(fingerprint, "SHA256:", 7), 0);
}

Test(login, with_a_wrong_password_is_refused)
{
    char fingerprint[FINGERPRINT] = "";
    cr_assert_not(let_in("wrong", fingerprint));
    cr_assert_eq(err.kind, ERR_CONFIG);
    cr_assert(strstr(err.message, "does not let user \"u\" in with this password"), "%s",
              err.message);
    cr_assert_null(strstr(err.message, "wrong"));
}

Test(login, to_a_server_with_another_key_sends_no_password)
{
    char fingerprint[FINGERPRINT] = "SHA256:another";
    cr_assert_not(let_in("right", fingerprint));
    cr_assert_eq(err.kind, ERR_TRANSIENT);
    cr_assert(strstr(err.message, "shows another host key than before"), "%s", err.message);
}

Test(login, waits_no_longer_than_a_stop)
{
    char fingerprint[FINGERPRINT] = "";
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int silent = socket(AF_INET, SOCK_STREAM, 0), stop = eventfd(1, 0);
    cr_assert(!bind(silent, (struct sockaddr *)&at, len) && !listen(silent, 1));
    getsockname(silent, (struct sockaddr *)&at, &len);
    struct ssh to = {.host = (char *)"127.0.0.1",
                     .port = ntohs(at.sin_port),
                     .user = (char *)"u",
                     .password = (char *)"p"};
    cr_assert_null(login(&to, fingerprint, stop, &err));
    cr_assert_eq(err.kind, ERR_STOPPED);
}
