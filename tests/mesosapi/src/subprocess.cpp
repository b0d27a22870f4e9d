#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

#include <process/reap.hpp>
#include <process/subprocess.hpp>

extern char** environ;

namespace process {

using std::map;
using std::string;
using std::vector;

// One end of a redirection, held open until the child was started.
class Redirection
{
public:
  static Try<Redirection> open(const Subprocess::IO& io, int flags)
  {
    if (io.path.isNone()) {
      return Redirection(io.fd, io.type == Subprocess::IO::OWNED);
    }

    const int fd = ::open(io.path->c_str(), flags | O_CLOEXEC, 0644);
    if (fd < 0) {
      return ErrnoError("Failed to open '" + io.path.get() + "'");
    }

    return Redirection(fd, true);
  }

  Redirection(int _fd, bool _owned) : owned(_owned ? _fd : -1), fd(_fd) {}

  Redirection(const Redirection&) = delete;
  Redirection(Redirection&& that) : owned(that.owned), fd(that.fd)
  {
    that.owned = -1;
  }

  ~Redirection()
  {
    if (owned >= 0) {
      ::close(owned);
    }
  }

  int get() const { return fd; }

private:
  int owned;
  int fd;
};


namespace {

// Strings as exec wants them, made before the fork.
class Arguments
{
public:
  explicit Arguments(vector<string> _strings) : strings(std::move(_strings))
  {
    for (string& s : strings) {
      pointers.push_back(&s[0]);
    }

    pointers.push_back(nullptr);
  }

  Arguments(const Arguments&) = delete;

  char** get() { return pointers.data(); }

private:
  vector<string> strings;
  vector<char*> pointers;
};


vector<string> assignments(const map<string, string>& environment)
{
  vector<string> result;
  for (const auto& variable : environment) {
    result.push_back(variable.first + "=" + variable.second);
  }

  return result;
}


void complain(const char* what, const char* object)
{
  const char* parts[] = {what, " '", object, "': ", strerror(errno), "\n"};
  for (const char* part : parts) {
    if (::write(STDERR_FILENO, part, strlen(part)) < 0) {
      return;
    }
  }
}


// Runs in the child and does not return.
int runChild(
  const string& path,
  char** argv,
  char** envp,
  const int (&fds)[3],
  int gate,
  const vector<Subprocess::ChildHook>& hooks)
{
  // dup2 clears close-on-exec on the copy.
  for (int target = 0; target < 3; target++) {
    if (::dup2(fds[target], target) < 0) {
      _exit(EXIT_FAILURE);
    }
  }

  // The parent opens the gate when its hooks have run.
  char byte;
  if (gate >= 0 && ::read(gate, &byte, 1) != 1) {
    _exit(EXIT_FAILURE);
  }

  for (const Subprocess::ChildHook& hook : hooks) {
    Try<Nothing> result = hook();
    if (result.isError()) {
      complain("Failed to prepare the child for", path.c_str());
      _exit(EXIT_FAILURE);
    }
  }

  ::execvpe(path.c_str(), argv, envp);
  const int error = errno;
  complain("Failed to execute", path.c_str());
  _exit(error);
}


// Runs the parent's hooks, then lets the child go or ends it.
Try<Nothing> release(
  pid_t pid, int gate, const vector<Subprocess::ParentHook>& hooks)
{
  for (const Subprocess::ParentHook& hook : hooks) {
    Try<Nothing> result = hook.parent_setup(pid);
    if (result.isError()) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
      return Error("Failed to execute a parent hook: " + result.error());
    }
  }

  if (gate >= 0 && ::write(gate, "x", 1) != 1) {
    return ErrnoError("Failed to release the child");
  }

  return Nothing();
}

} // namespace {


Subprocess::ChildHook Subprocess::ChildHook::CHDIR(const string& directory)
{
  return ChildHook([directory]() -> Try<Nothing> {
    if (::chdir(directory.c_str()) != 0) {
      return ErrnoError("Failed to change to '" + directory + "'");
    }

    return Nothing();
  });
}


Subprocess::ChildHook Subprocess::ChildHook::SETSID()
{
  return ChildHook([]() -> Try<Nothing> {
    if (::setsid() < 0) {
      return ErrnoError("Failed to make a session");
    }

    return Nothing();
  });
}


Try<Subprocess> subprocess(
  const string& path,
  vector<string> argv,
  const Subprocess::IO& in,
  const Subprocess::IO& out,
  const Subprocess::IO& err,
  const flags::FlagsBase* flags,
  const Option<map<string, string>>& environment,
  const Option<lambda::function<pid_t(const lambda::function<int()>&)>>& clone,
  const vector<Subprocess::ParentHook>& parent_hooks,
  const vector<Subprocess::ChildHook>& child_hooks,
  const vector<int_fd>& whitelist_fds)
{
  if (flags != nullptr || !whitelist_fds.empty()) {
    return Error("Flags and whitelisted descriptors are not supported here");
  }

  const int create = O_WRONLY | O_CREAT | O_APPEND;
  Try<Redirection> stdinEnd = Redirection::open(in, O_RDONLY);
  Try<Redirection> stdoutEnd = Redirection::open(out, create);
  Try<Redirection> stderrEnd = Redirection::open(err, create);

  for (const Try<Redirection>* end : {&stdinEnd, &stdoutEnd, &stderrEnd}) {
    if (end->isError()) {
      return Error(end->error());
    }
  }

  int pipe[2] = {-1, -1};
  if (!parent_hooks.empty() && ::pipe2(pipe, O_CLOEXEC) != 0) {
    return ErrnoError("Failed to create a pipe");
  }

  const Redirection gate(pipe[0], true);
  const Redirection key(pipe[1], true);

  Arguments arguments(std::move(argv));
  Arguments variables(
    assignments(environment.getOrElse(map<string, string>())));
  char** envp = environment.isSome() ? variables.get() : environ;

  const int fds[3] = {
    stdinEnd.get().get(), stdoutEnd.get().get(), stderrEnd.get().get()};

  const lambda::function<int()> child = [&]() {
    return runChild(path, arguments.get(), envp, fds, gate.get(), child_hooks);
  };

  pid_t pid;
  if (clone.isSome()) {
    pid = clone.get()(child);
  } else if ((pid = ::fork()) == 0) {
    _exit(child());
  }

  if (pid < 0) {
    return ErrnoError("Failed to clone a child process");
  }

  Try<Nothing> released = release(pid, key.get(), parent_hooks);
  if (released.isError()) {
    return Error(released.error());
  }

  return Subprocess(pid, reap(pid));
}

} // namespace process {
