#include "task.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <sys/syscall.h>

#include <vector>

#include <process/subprocess.hpp>

#include <stout/error.hpp>
#include <stout/lambda.hpp>

extern char** environ;

using std::map;
using std::string;
using std::vector;

using mesos::slave::ContainerIO;

using process::Subprocess;

namespace harness {

namespace {

struct Identity
{
  uid_t uid;
  gid_t gid;
  vector<gid_t> groups;
};


Try<Identity> lookUp(const string& user)
{
  const struct passwd* entry = getpwnam(user.c_str());
  if (entry == nullptr) {
    return Error("Unknown user '" + user + "'");
  }

  Identity identity = {entry->pw_uid, entry->pw_gid, {}};
  int count = 64;
  do {
    identity.groups.resize(static_cast<size_t>(count));
  } while (getgrouplist(
             user.c_str(), identity.gid, identity.groups.data(), &count) < 0);

  identity.groups.resize(static_cast<size_t>(count));
  return identity;
}


// Forks, and becomes `identity` in the child. By raw system calls: those of the
// C library want to tell the other threads, which a forked child has not.
pid_t forkAs(const Identity& identity, const lambda::function<int()>& child)
{
  const pid_t pid = ::fork();
  if (pid != 0) {
    return pid;
  }

  const bool done =
    syscall(SYS_setgroups, identity.groups.size(), identity.groups.data()) ==
      0 &&
    syscall(SYS_setresgid, identity.gid, identity.gid, identity.gid) == 0 &&
    syscall(SYS_setresuid, identity.uid, identity.uid, identity.uid) == 0;

  _exit(done ? child() : EXIT_FAILURE);
}

} // namespace {


map<string, string> taskEnvironment(const Flags& flags, const string& sandbox)
{
  map<string, string> environment;
  for (char** entry = environ; *entry != nullptr; entry++) {
    const string assignment = *entry;
    const size_t at = assignment.find('=');
    if (at != string::npos) {
      environment[assignment.substr(0, at)] = assignment.substr(at + 1);
    }
  }

  environment["MESOS_SANDBOX"] = sandbox;
  for (const auto& variable : flags.taskEnvironment) {
    environment[variable.first] = variable.second;
  }

  return environment;
}


Try<Nothing> startTask(
  const Flags& flags, const ContainerIO& io, Container* container)
{
  Option<lambda::function<pid_t(const lambda::function<int()>&)>> clone =
    None();
  if (flags.user.isSome()) {
    Try<Identity> identity = lookUp(flags.user.get());
    if (identity.isError()) {
      return Error(identity.error());
    }

    const Identity who = identity.get();
    clone = lambda::function<pid_t(const lambda::function<int()>&)>(
      [who](const lambda::function<int()>& child) {
        return forkAs(who, child);
      });
  }

  Try<Subprocess> task = process::subprocess(
    flags.command.front(),
    flags.command,
    Subprocess::PATH("/dev/null"),
    io.out,
    io.err,
    nullptr,
    taskEnvironment(flags, container->sandbox()),
    clone,
    {},
    {Subprocess::ChildHook::SETSID(),
     Subprocess::ChildHook::CHDIR(container->sandbox())});

  if (task.isError()) {
    return Error("Failed to start the task: " + task.error());
  }

  container->pid = task->pid();
  container->status = task->status();
  return Nothing();
}

} // namespace harness {
