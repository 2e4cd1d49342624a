/*
 * The number of usable CPUs: the affinity mask, and the quotas of cgroups as the kernel shows them,
 * in file trees that the test makes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bide/bide.h>

#include "os/os.h"
#include "support/test.h"

/* --- trees */

static char root[64];

static void tree_begin(void)
{
	const char *folder = getenv("TMPDIR");

	if (!folder || !*folder || strlen(folder) > 40)
		folder = "/tmp";
	snprintf(root, sizeof root, "%.40s/bide.XXXXXX", folder);
	assert_non_null(mkdtemp(root));
}

static void tree_end(void)
{
	char command[96];

	snprintf(command, sizeof command, "rm -rf '%s'", root);
	assert_int_equal(system(command), 0);
}

/* Writes a file of the tree and makes the folders above it. */
static void put(const char *path, const char *text)
{
	char full[PATH_MAX];
	FILE *file;

	snprintf(full, sizeof full, "%s%s", root, path);
	for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
		*at = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

#define V2_MOUNT "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNT                                                            \
	"29 24 0:25 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"     \
	"31 24 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"     \
	"32 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:5 shared:6 -" \
	" cgroup cgroup rw,cpu,cpuacct\n"

/* Returns the count for a process in the version 2 group /a/b with this cpu.max. */
static unsigned with_max(const char *text)
{
	unsigned count;

	tree_begin();
	put("/proc/self/cgroup", "0::/a/b\n");
	put("/proc/self/mountinfo", V2_MOUNT);
	put("/sys/fs/cgroup/a/b/cpu.max", text);
	count = bide_os_cgroup_cpu_count_(root);
	tree_end();
	return count;
}

TEST(a_quota_is_rounded_up_to_whole_cpus)
{
	assert_int_equal(with_max("200000 100000\n"), 2);
	assert_int_equal(with_max("200001 100000\n"), 3);
	assert_int_equal(with_max("150000 100000\n"), 2);
	assert_int_equal(with_max("1000 100000\n"), 1);
	assert_int_equal(with_max("10000 5000"), 2);
	assert_int_equal(with_max("max 100000\n"), 0);
}

TEST(a_quota_that_makes_no_sense_limits_nothing)
{
	static const char *const texts[] = {
		"",
		"\n",
		" ",
		"max",
		"100000",
		"100000 ",
		"0 100000",
		"100000 0",
		"-5 100000",
		"100000 -1",
		"100000 100000 1",
		"1e5 100000",
		"abc def",
		"100000\t100000",
		"0x10 0x10",
		"99999999999999999999 1",
		"100000 99999999999999999999",
		"999999999999999999 1",
		"\xff\xfe\x01",
		"  200000 100000",
	};
	static char endless[20000];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(with_max(texts[i]), 0);
	memset(endless, '1', sizeof endless - 1);
	assert_int_equal(with_max(endless), 0);
}

TEST(a_group_further_up_limits_too)
{
	tree_begin();
	put("/proc/self/cgroup", "0::/a/b/c\n");
	put("/proc/self/mountinfo", V2_MOUNT);
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 0);
	put("/sys/fs/cgroup/a/b/c/cpu.max", "700000 100000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 7);
	put("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 3);
	put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 3);
	/* In a container, the top of the tree is the container's own group. */
	put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 2);
	put("/sys/fs/cgroup/a/x/cpu.max", "100000 100000\n"); /* another group's */
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 2);
	tree_end();
}

TEST(quotas_of_cgroups_version_1)
{
	tree_begin();
	put("/proc/self/cgroup", "12:memory:/m\n4:cpu,cpuacct:/a/b\n3:cpuset:/s\n1:name=systemd:/x\n");
	put("/proc/self/mountinfo", V1_MOUNT);
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 0);
	put("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
	put("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 0);
	put("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "250000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 0); /* without a period */
	put("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 3);
	put("/sys/fs/cgroup/memory/m/cpu.cfs_quota_us", "100000\n");
	put("/sys/fs/cgroup/memory/m/cpu.cfs_period_us", "100000\n");
	put("/sys/fs/cgroup/cpuset/s/cpu.cfs_quota_us", "100000\n");
	put("/sys/fs/cgroup/cpuset/s/cpu.cfs_period_us", "100000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 3); /* neither has the cpu controller */
	put("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "150000x\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 3);
	put("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "150000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 2);
	tree_end();
}

TEST(both_versions_of_cgroups_at_once)
{
	tree_begin();
	put("/proc/self/cgroup", "4:cpu,cpuacct:/a\n0::/u\n");
	put("/proc/self/mountinfo", V1_MOUNT "40 24 0:30 / /sys/fs/cgroup/unified rw - cgroup2 c rw\n");
	put("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "500000\n");
	put("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
	put("/sys/fs/cgroup/unified/u/cpu.max", "max 100000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 5);
	put("/sys/fs/cgroup/unified/u/cpu.max", "400000 100000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 4);
	tree_end();
}

TEST(a_mount_that_shows_a_part_of_the_hierarchy)
{
	tree_begin();
	put("/proc/self/cgroup", "0::/docker/abc/x\n");
	put("/proc/self/mountinfo", "30 24 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	put("/sys/fs/cgroup/x/cpu.max", "300000 100000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 3);
	put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 2);
	put("/proc/self/cgroup", "0::/docker/abc\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 2);
	/* The mount does not show these groups. */
	put("/proc/self/cgroup", "0::/docker/abcd/x\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 0);
	put("/proc/self/cgroup", "0::/\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 0);
	put("/proc/self/cgroup", "0::/docker/abc/../../x\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 0);
	tree_end();
}

TEST(a_mount_point_with_blanks_and_one_at_the_root)
{
	tree_begin();
	put("/proc/self/cgroup", "0::/a\n");
	put("/proc/self/mountinfo", "30 24 0:26 / /with\\040blank\\134 rw - cgroup2 cgroup2 rw\n");
	put("/with blank\\/a/cpu.max", "200000 100000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 2);
	put("/proc/self/mountinfo", "30 24 0:26 / / rw - cgroup2 cgroup2 rw\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 0);
	put("/cpu.max", "300000 100000\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 3);
	tree_end();
}

TEST(files_full_of_nonsense_limit_nothing)
{
	static const char *const cgroups[] = {
		"",       "\n\n",   "0\n",        "0:\n",     "0::\n",
		"0::a\n", "::::\n", "nonsense\n", "4:cpu:\n", "\xff:/\n",
	};
	static const char *const mounts[] = {
		"",
		"\n",
		"-\n",
		"- - - -\n",
		"1 2 3\n",
		"1 2 3 / /sys/fs/cgroup rw\n",
		"1 2 3 / /sys/fs/cgroup rw - cgroup2\n",
		"1 2 3 / /sys/fs/cgroup rw - cgroup2 none\n",
		"1 2 3 / /sys/fs/cgroup rw shared:1 cgroup2 cgroup2 rw\n",
		"1 2 3 a /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
	};
	static char endless[40000];

	tree_begin();
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 0); /* without /proc */
	put("/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
	put("/proc/self/cgroup", "0::/a\n");
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 0); /* without mountinfo */
	for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
		put("/proc/self/mountinfo", mounts[i]);
		assert_int_equal(bide_os_cgroup_cpu_count_(root), 0);
	}
	put("/proc/self/mountinfo", V2_MOUNT);
	for (size_t i = 0; i < sizeof cgroups / sizeof cgroups[0]; i++) {
		put("/proc/self/cgroup", cgroups[i]);
		assert_int_equal(bide_os_cgroup_cpu_count_(root), 0);
	}
	memset(endless, 'a', sizeof endless - 1);
	memcpy(endless, "0::/", 4);
	put("/proc/self/cgroup", endless);
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 0);
	endless[5000] = '\0'; /* fits a line, but is too long for a path */
	put("/proc/self/cgroup", endless);
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 0);
	/* A line that is too long does not hide the next one. */
	endless[5000] = 'a';
	endless[sizeof endless - 8] = '\0';
	strcat(endless, "\n0::/a\n");
	put("/proc/self/cgroup", endless);
	assert_int_equal(bide_os_cgroup_cpu_count_(root), 2);
	tree_end();
}

/* --- this machine */

TEST(an_affinity_mask_limits_the_count)
{
	unsigned all = bide_cpu_count();
	pid_t child;
	int status;

	assert_true(all >= 1);
	assert_true(all <= (unsigned)sysconf(_SC_NPROCESSORS_CONF));
	child = fork();
	if (child == 0) {
		cpu_set_t mask, one;

		if (sched_getaffinity(0, sizeof mask, &mask) != 0)
			_exit(77);
		CPU_ZERO(&one);
		for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
			if (CPU_ISSET(i, &mask))
				CPU_SET(i, &one);
		if (sched_setaffinity(0, sizeof one, &one) != 0)
			_exit(77);
		_exit(bide_cpu_count() == 1 ? 0 : 1);
	}
	assert_true(child > 0);
	assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		SKIP("the affinity mask cannot be read or set here");
	assert_int_equal(WEXITSTATUS(status), 0);
}
