#include "workdir.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/stat.h>

#include <filesystem>
#include <vector>

#include <glog/logging.h>

#include <stout/error.hpp>

namespace fs = std::filesystem;

using std::string;

using mesos::ContainerID;

namespace harness {

namespace {

Try<Nothing> makeDirectories(const fs::path& path)
{
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    return Error(
      "Failed to make the directory '" + path.string() +
      "': " + error.message());
  }

  return Nothing();
}


// Points `link` at `target`, whatever it pointed at before.
Try<Nothing> relink(const fs::path& target, const fs::path& link)
{
  std::error_code error;
  fs::remove(link, error);
  fs::create_directory_symlink(target, link, error);
  if (error) {
    return Error("Failed to link '" + link.string() + "': " + error.message());
  }

  return Nothing();
}


Try<Nothing> give(const string& path, const string& user)
{
  const struct passwd* entry = getpwnam(user.c_str());
  if (entry == nullptr) {
    return Error("Unknown user '" + user + "'");
  }

  if (::chown(path.c_str(), entry->pw_uid, entry->pw_gid) != 0) {
    return ErrnoError("Failed to give '" + path + "' to '" + user + "'");
  }

  return Nothing();
}


Try<Nothing> makeSandbox(const fs::path& path, const Option<string>& user)
{
  Try<Nothing> made = makeDirectories(path);
  if (made.isError()) {
    return made;
  }

  if (::chmod(path.c_str(), 0750) != 0) {
    return ErrnoError("Failed to set the mode of '" + path.string() + "'");
  }

  return user.isSome() ? give(path.string(), user.get()) : Nothing();
}

} // namespace {


string newId()
{
  // NOTE: Not by a stream: the standard library's descriptors are not
  // close-on-exec, and this runs while tasks are started.
  const int fd = ::open("/proc/sys/kernel/random/uuid", O_RDONLY | O_CLOEXEC);

  char id[36];
  const ssize_t length = ::read(fd, id, sizeof(id));
  PCHECK(length == sizeof(id)) << "Failed to read a random id";
  ::close(fd);

  return string(id, sizeof(id));
}


Try<WorkDir> WorkDir::open(const string& path)
{
  string root = path;
  if (root.empty()) {
    const char* base = getenv("TMPDIR");
    root = string(base == nullptr ? "/tmp" : base) + "/sluice-harness-XXXXXX";
    if (mkdtemp(&root[0]) == nullptr || ::chmod(root.c_str(), 0755) != 0) {
      return ErrnoError("Failed to make a work directory '" + root + "'");
    }
  }

  std::error_code error;
  const fs::path absolute = fs::absolute(root, error);
  const fs::path agents = absolute / "slaves";
  Try<Nothing> made = makeDirectories(agents);
  if (made.isError()) {
    return Error(made.error());
  }

  // NOTE: As in an agent (`createSlaveDirectory` in src/slave/paths.cpp), the
  // link to the latest agent is below `meta` alone.
  const fs::path checkpoints = absolute / "meta" / "slaves";
  made = makeDirectories(checkpoints);
  if (made.isError()) {
    return Error(made.error());
  }

  const fs::path last = fs::read_symlink(checkpoints / "latest", error);
  if (!error && fs::is_directory(last, error)) {
    return WorkDir(absolute.string(), last.filename().string());
  }

  const string agentId = newId() + "-S0";
  for (const fs::path& parent : {agents, checkpoints}) {
    made = makeDirectories(parent / agentId);
    if (made.isError()) {
      return Error(made.error());
    }
  }

  Try<Nothing> linked = relink(checkpoints / agentId, checkpoints / "latest");
  if (linked.isError()) {
    return Error(linked.error());
  }

  return WorkDir(absolute.string(), agentId);
}


Try<string> WorkDir::createSandbox(
  const string& executorId,
  const ContainerID& containerId,
  const Option<string>& user) const
{
  // From the root of the containers down to this one.
  std::vector<string> ids;
  for (const ContainerID* id = &containerId; id != nullptr;
       id = id->has_parent() ? &id->parent() : nullptr) {
    ids.insert(ids.begin(), id->value());
  }

  const fs::path runs = fs::path(path_) / "slaves" / agentId_ / "frameworks" /
                        frameworkId_ / "executors" / executorId / "runs";

  fs::path sandbox = runs / ids.front();
  Try<Nothing> made = makeSandbox(sandbox, user);
  for (size_t i = 1; i < ids.size() && made.isSome(); i++) {
    sandbox = sandbox / "containers" / ids[i];
    made = makeSandbox(sandbox, user);
  }

  if (made.isError()) {
    return Error(made.error());
  }

  Try<Nothing> linked = relink(runs / ids.front(), runs / "latest");
  if (linked.isError()) {
    return Error(linked.error());
  }

  return sandbox.string();
}

} // namespace harness {
