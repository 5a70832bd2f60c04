/*
 * bakeryd begins here, in one of two roles: the supervisor, as people start it, or the front, as the supervisor starts it. bakeryd(8) is the manual.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ops/daemon.h"
#include "daemon/ops/front.h"
#include "daemon/ops/options.h"

/* What is opened first would otherwise become one of them, and take what is written to it. */
static int open_standard_descriptors(void)
{
	int fd;
	do {
		fd = open("/dev/null", O_RDWR); /* inherited, as they always are */
	} while (fd >= 0 && fd <= STDERR_FILENO);
	return fd < 0 ? -errno : close(fd);
}

int main(int argc, char **argv)
{
	if (open_standard_descriptors() < 0)
		return EXIT_FAILURE;
	if (argc == 2 && strcmp(argv[1], FRONT_ARGUMENT) == 0)
		return front_main();

	struct options options;
	int status = options_read(argc, argv, &options);
	if (status != 0)
		return status;
	if (options.action != OPTIONS_SERVE)
		return options_run_command(&options);
	return daemon_run(options.file, options.verbose);
}
