/* Hazard: loading alone, by a host that knows nothing of C++: what a program
 * sees that opens the library and looks at its modules. */

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* The beginning of a module object. */
struct module
{
  const char* api_version;
  const char* mesos_version;
  const char* kind;
};

static void require(int holds, const char* what)
{
  if (!holds) {
    fprintf(stderr, "FAILED: %s\n", what);
    exit(1);
  }
}

static int without_close_on_exec(void)
{
  int count = 0;
  struct dirent* entry;
  DIR* directory = opendir("/proc/self/fd");
  require(directory != NULL, "opendir");

  while ((entry = readdir(directory)) != NULL) {
    const int fd = atoi(entry->d_name);
    if (entry->d_name[0] != '.' && (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0) {
      count++;
    }
  }

  closedir(directory);
  return count;
}

int main(void)
{
  static const char* const names[] = {
    "org_apache_mesos_LogrotateContainerLogger", "sluice_ContainerLogger"};
  static const char* const hidden[] = {
    "sluice_create",
    "sluice_prepare",
    "runtime.main",
    "_cgo_init",
    "crosscall2"};

  struct rlimit before;
  struct rlimit after;
  const int inheritable = without_close_on_exec();
  require(getrlimit(RLIMIT_NOFILE, &before) == 0, "getrlimit");

  void* library = dlopen(SLUICE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }

  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
    const struct module* module = dlsym(library, names[i]);
    require(module != NULL, names[i]);
    require(strcmp(module->api_version, "2") == 0, "version of the API");
    require(strcmp(module->kind, "ContainerLogger") == 0, "kind");
  }

  for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
    require(dlsym(library, hidden[i]) == NULL, hidden[i]);
  }

  require(getrlimit(RLIMIT_NOFILE, &after) == 0, "getrlimit");
  require(
    before.rlim_cur == after.rlim_cur && before.rlim_max == after.rlim_max,
    "loading changed RLIMIT_NOFILE");
  require(
    without_close_on_exec() == inheritable,
    "loading left a descriptor that children inherit");

  require(dlclose(library) == 0, "dlclose");
  return 0;
}
