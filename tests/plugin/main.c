/*
 * main.c - loads a plug-in with a library of its own, uses it and unloads it, 1,100 times. There
 * are 1,024 thread-specific keys, so each of the runtimes has to free its own.
 */
#include <dlfcn.h>
#include <stdio.h>

enum { CYCLES = 1100 };

int main(int count, char **words)
{
	for (unsigned cycle = 0; count == 2 && cycle < CYCLES; cycle++) {
		void *plugin = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
		int (*run)(unsigned workers);
		int got;

		if (!plugin) {
			fprintf(stderr, "cycle %u: %s\n", cycle, dlerror());
			return 1;
		}
		*(void **)&run = dlsym(plugin, "plugin_run");
		got = run ? run(1 + cycle % 2) : -1;
		if (got != 42) {
			fprintf(stderr, "cycle %u: %d, not 42\n", cycle, got);
			return 1;
		}
		if (dlclose(plugin) != 0) {
			fprintf(stderr, "cycle %u: %s\n", cycle, dlerror());
			return 1;
		}
	}
	return count == 2 ? 0 : 2;
}
