/*
 * bakeryd begins here, in one of two roles: the supervisor, as people start it, or the front, as the supervisor starts it. bakeryd(8) is the manual.
 */
#include <string.h>

#include "daemon/ops/daemon.h"
#include "daemon/ops/front.h"
#include "daemon/ops/options.h"

int main(int argc, char **argv)
{
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
