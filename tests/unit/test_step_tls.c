/* https: who is trusted and who is not. The servers are openssl(1)'s, the certificates are made here. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/step_world.h"
#include "tests/unit/unit.h"

/* A key, an authority, and certificates of the same key: good, expired, of another host, and its own. */
static const char make[] =
    "set -e; cd \"$0\"\n"
    "request() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \"$@\"; }\n"
    "sign() { openssl x509 -req -in key.csr -CA ca.pem -CAkey ca.key -CAcreateserial \"$@\"; }\n"
    "request -x509 -days 9 -subj '/CN=authority of a test' -keyout ca.key -out ca.pem\n"
    "request -subj /CN=localhost -keyout key -out key.csr\n"
    "echo subjectAltName=DNS:localhost,IP:127.0.0.1 >here\n"
    "echo subjectAltName=DNS:elsewhere.example >elsewhere\n"
    "sign -days 9 -extfile here -out good.pem\n"
    "sign -days -1 -extfile here -out expired.pem\n"
    "sign -days 9 -extfile elsewhere -out elsewhere.pem\n"
    "openssl x509 -req -in key.csr -signkey key -days 9 -extfile here -out own.pem\n"
    "printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\nConnection: close\\r\\n\\r\\nabc' >cake\n"
    "printf 'HTTP/1.1 302 Down\\r\\nLocation: http://127.0.0.1:1/\\r\\nContent-Length: 0\\r\\nConnection: "
    "close\\r\\n\\r\\n' "
    ">down\n";

static char dir[512], ca[600];

/* Runs a command in dir, with its output in out. */
static pid_t start(char *const *argv, const char *out)
{
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no server */
		if (chdir(dir) == 0 && freopen("/dev/null", "r", stdin) && freopen(out, "w", stdout) &&
		    freopen("/dev/null", "w", stderr))
			execvp(argv[0], argv);
		_exit(127);
	}
	return pid;
}

static void setup(void)
{
	snprintf(dir, sizeof dir, "%s", unit_dir());
	snprintf(ca, sizeof ca, "%s/ca.pem", dir);
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)make, dir, NULL};
	int status = -1;
	waitpid(start(argv, "made"), &status, 0);
	ck_assert_msg(status == 0, "openssl(1) cannot make certificates: %d", status);
	step_world_setup();
}

static pid_t server;

/* The port of a server with this certificate, when it accepts. */
static unsigned serve(const char *cert, const char *option)
{
	char *argv[] = {(char *)"openssl", (char *)"s_server", (char *)"-accept", (char *)"127.0.0.1:0",
	    (char *)"-HTTP", (char *)"-key", (char *)"key", (char *)"-cert", (char *)cert, (char *)option,
	    (char *)"-cipher", (char *)"ALL:@SECLEVEL=0", NULL};
	char path[600], line[256];
	unsigned port = 0;
	snprintf(path, sizeof path, "%s/served", dir);
	(void)unlink(path); /* the last one's */
	server = start(argv, "served");
	while (port == 0) {
		FILE *f = fopen(path, "r");
		while (f && fgets(line, sizeof line, f))
			sscanf(line, "ACCEPT 127.0.0.1:%u", &port);
		if (f)
			fclose(f);
		ck_assert_msg(waitpid(server, NULL, WNOHANG) == 0, "openssl s_server ended");
		usleep(1000);
	}
	return port;
}

static void end_server(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

static void trial_tls(struct trial *x, unsigned port, const char *host, const char *path)
{
	char url[128];
	snprintf(url, sizeof url, "https://%s:%u/%s", host, port, path);
	trial_init(x, url);
	x->step.http.ca = ca;
}

START_TEST (who_is_trusted) {
	struct trial x;
	unsigned port = serve("good.pem", "-no_ticket");
	trial_tls(&x, port, "localhost", "cake");
	expect_result(&x, 3);
	trial_tls(&x, port, "127.0.0.1", "cake");
	expect_result(&x, 3);
	/* The system's authorities do not know ours. */
	trial_tls(&x, port, "localhost", "cake");
	x.step.http.ca = NULL;
	expect_failure(&x, CAUSE_HTTP, false, "certificate is not trusted");
	trial_tls(&x, port, "localhost", "cake");
	x.step.http.ca = (char *)"/nonexistent";
	expect_failure(&x, CAUSE_HTTP, false, "cannot read the authorities to trust");
	/* And still, after that. */
	trial_tls(&x, port, "localhost", "cake");
	expect_result(&x, 3);
	trial_tls(&x, port, "localhost", "down");
	x.step.http.redirects = 3;
	expect_failure(&x, CAUSE_HTTP, true, "redirected from https to http");
	end_server();
}
END_TEST

START_TEST (who_is_not) {
	static const char *const cases[][2] = {{"expired.pem", "expired"}, {"own.pem", "self-signed"},
	    {"elsewhere.pem", "no alternative certificate subject name matches"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct trial x;
		trial_tls(&x, serve(cases[i][0], "-no_ticket"), "localhost", "cake");
		trial_run(&x);
		ck_assert_int_eq(x.try.outcome.cause, CAUSE_HTTP);
		ck_assert(!x.try.outcome.permanent);
		ck_assert_msg(strstr(x.try.outcome.message, "the server's certificate is not trusted: "),
		    "%s", x.try.outcome.message);
		trial_clear(&x);
		expect_failure(&x, CAUSE_HTTP, false, cases[i][1]);
		end_server();
	}
}
END_TEST

START_TEST (old_tls_is_not_spoken) {
	struct trial x;
	trial_tls(&x, serve("good.pem", "-tls1_1"), "localhost", "cake");
	expect_failure(&x, CAUSE_HTTP, false, "no TLS connection");
	end_server();
}
END_TEST

int main(void)
{
	TCase *t = unit_case("tls");
	tcase_add_checked_fixture(t, setup, step_world_clear);
	tcase_add_test(t, who_is_trusted);
	tcase_add_test(t, who_is_not);
	tcase_add_test(t, old_tls_is_not_spoken);
	return unit_run();
}
