// Starts programs with redirected stdin, stdout and stderr.

#ifndef PROCESS_SUBPROCESS_HPP
#define PROCESS_SUBPROCESS_HPP

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <process/future.hpp>

#include <stout/lambda.hpp>
#include <stout/nothing.hpp>
#include <stout/option.hpp>
#include <stout/try.hpp>

#include <stout/os/int_fd.hpp>

namespace flags {

// NOTE: Only named: the slice passes no flags to subprocesses.
class FlagsBase;

} // namespace flags {

namespace process {

class Subprocess
{
public:
  class IO
  {
  public:
    // A DUPLICATED descriptor stays open in the parent; an OWNED one is closed
    // there when the child was started.
    enum FDType
    {
      DUPLICATED,
      OWNED
    };

  private:
    friend class Subprocess;
    friend class Redirection;

    IO(int_fd _fd, FDType _type, const Option<std::string>& _path)
      : fd(_fd), type(_type), path(_path)
    {
    }

    int_fd fd;
    FDType type;
    Option<std::string> path;
  };

  // Opened for reading as stdin; created and appended to as stdout or stderr.
  static IO PATH(const std::string& path) { return IO(-1, IO::OWNED, path); }

  static IO FD(int_fd fd, IO::FDType type = IO::DUPLICATED)
  {
    return IO(fd, type, None());
  }

  // Runs in the parent while the child waits; an error kills the child.
  struct ParentHook
  {
    ParentHook(const lambda::function<Try<Nothing>(pid_t)>& _parent_setup)
      : parent_setup(_parent_setup)
    {
    }

    const lambda::function<Try<Nothing>(pid_t)> parent_setup;
  };

  // Runs in the child before exec; must be safe after a fork.
  class ChildHook
  {
  public:
    static ChildHook CHDIR(const std::string& working_directory);
    static ChildHook SETSID();

    Try<Nothing> operator()() const { return child_setup(); }

  private:
    ChildHook(const lambda::function<Try<Nothing>()>& _child_setup)
      : child_setup(_child_setup)
    {
    }

    lambda::function<Try<Nothing>()> child_setup;
  };

  pid_t pid() const { return pid_; }

  // The status as waitpid(2) gives it; none where it could not be had.
  Future<Option<int>> status() const { return status_; }

private:
  friend Try<Subprocess> subprocess(
    const std::string& path,
    std::vector<std::string> argv,
    const Subprocess::IO& in,
    const Subprocess::IO& out,
    const Subprocess::IO& err,
    const flags::FlagsBase* flags,
    const Option<std::map<std::string, std::string>>& environment,
    const Option<lambda::function<pid_t(const lambda::function<int()>&)>>&
      clone,
    const std::vector<Subprocess::ParentHook>& parent_hooks,
    const std::vector<Subprocess::ChildHook>& child_hooks,
    const std::vector<int_fd>& whitelist_fds);

  Subprocess(pid_t pid, const Future<Option<int>>& status)
    : pid_(pid), status_(status)
  {
  }

  pid_t pid_;
  Future<Option<int>> status_;
};


// `path` is looked up in PATH where it has no slash. `clone` makes the child
// process and calls the function it is given in it; fork(2) by default.
//
// NOTE: The slice takes neither `flags` nor `whitelist_fds`; it fails where
// they are given.
Try<Subprocess> subprocess(
  const std::string& path,
  std::vector<std::string> argv,
  const Subprocess::IO& in = Subprocess::FD(0),
  const Subprocess::IO& out = Subprocess::FD(1),
  const Subprocess::IO& err = Subprocess::FD(2),
  const flags::FlagsBase* flags = nullptr,
  const Option<std::map<std::string, std::string>>& environment = None(),
  const Option<lambda::function<pid_t(const lambda::function<int()>&)>>& clone =
    None(),
  const std::vector<Subprocess::ParentHook>& parent_hooks = {},
  const std::vector<Subprocess::ChildHook>& child_hooks = {},
  const std::vector<int_fd>& whitelist_fds = {});

} // namespace process {

#endif // PROCESS_SUBPROCESS_HPP
