// The work directory of an agent:
//
//   slaves/<agent>/frameworks/<framework>/executors/<executor>/runs/<container>
//
// with the links meta/slaves/latest and runs/latest.

#ifndef HARNESS_WORKDIR_HPP
#define HARNESS_WORKDIR_HPP

#include <string>

#include <mesos/mesos.hpp>

#include <stout/nothing.hpp>
#include <stout/option.hpp>
#include <stout/try.hpp>

namespace harness {

// A new random id.
std::string newId();


class WorkDir
{
public:
  // Takes an existing directory or makes it; a temporary one where `path` is
  // empty. The agent's id is kept over restarts, as an agent does.
  static Try<WorkDir> open(const std::string& path);

  // Makes a container's sandbox (0750, owned by `user`): absolute. That of a
  // nested container is <parent's sandbox>/containers/<id>.
  Try<std::string> createSandbox(
    const std::string& executorId,
    const mesos::ContainerID& containerId,
    const Option<std::string>& user) const;

  const std::string& path() const { return path_; }
  const std::string& agentId() const { return agentId_; }
  const std::string& frameworkId() const { return frameworkId_; }

private:
  WorkDir(const std::string& path, const std::string& agentId)
    : path_(path),
      agentId_(agentId),
      frameworkId_(agentId.substr(0, agentId.rfind("-S")) + "-0000")
  {
  }

  std::string path_;
  std::string agentId_;
  std::string frameworkId_;
};

} // namespace harness {

#endif // HARNESS_WORKDIR_HPP
