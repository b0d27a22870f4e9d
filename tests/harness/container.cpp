#include "container.hpp"

#include <sys/wait.h>

using std::string;

using google::protobuf::Message;

using mesos::CommandInfo;
using mesos::ContainerID;
using mesos::Environment;
using mesos::ExecutorInfo;
using mesos::TaskInfo;

namespace harness {

namespace {

CommandInfo describeCommand(const Flags& flags)
{
  CommandInfo command;
  command.set_shell(false);
  command.set_value(flags.command.front());
  for (const string& argument : flags.command) {
    command.add_arguments(argument);
  }

  for (const auto& entry : flags.taskEnvironment) {
    Environment::Variable* variable =
      command.mutable_environment()->add_variables();
    variable->set_name(entry.first);
    variable->set_value(entry.second);
  }

  if (flags.user.isSome()) {
    command.set_user(flags.user.get());
  }

  return command;
}


ExecutorInfo describeExecutor(
  const WorkDir& workDir, const string& id, const CommandInfo& command)
{
  ExecutorInfo executor;
  executor.mutable_executor_id()->set_value(id);
  executor.mutable_framework_id()->set_value(workDir.frameworkId());
  executor.set_name("Command Executor (Task: " + id + ")");
  *executor.mutable_command() = command;
  return executor;
}


TaskInfo describeTask(
  const WorkDir& workDir, const string& id, const CommandInfo& command)
{
  TaskInfo task;
  task.set_name(id);
  task.mutable_task_id()->set_value(id);
  *task.mutable_command() = command;

  // The agent's id has one name in Mesos' own API and another one in v1, and
  // the same number in both.
  const auto* field = task.GetDescriptor()->FindFieldByNumber(3);
  Message* agentId = task.GetReflection()->MutableMessage(&task, field);
  agentId->GetReflection()->SetString(
    agentId, agentId->GetDescriptor()->FindFieldByNumber(1), workDir.agentId());

  return task;
}

} // namespace {


Option<int> Container::exitStatus() const
{
  if (!status.isReady() || status.get().isNone()) {
    return None();
  }

  const int value = status.get().get();
  return WIFEXITED(value) ? WEXITSTATUS(value) : 128 + WTERMSIG(value);
}


Try<Container> createContainer(
  const Flags& flags, const WorkDir& workDir, size_t number)
{
  const string name = "task-" + std::to_string(number);
  const CommandInfo command = describeCommand(flags);

  Container container;
  container.id.set_value(newId());
  if (flags.nested) {
    container.id.mutable_parent()->set_value(newId());
  }

  Try<string> sandbox = workDir.createSandbox(name, container.id, flags.user);
  if (sandbox.isError()) {
    return Error(sandbox.error());
  }

  container.config.set_directory(sandbox.get());
  *container.config.mutable_command_info() = command;
  container.config.set_container_class(
    flags.debugClass ? mesos::slave::DEBUG : mesos::slave::DEFAULT);

  if (flags.user.isSome()) {
    container.config.set_user(flags.user.get());
  }

  // Nested containers come without both.
  if (!flags.nested) {
    *container.config.mutable_executor_info() =
      describeExecutor(workDir, name, command);
    *container.config.mutable_task_info() =
      describeTask(workDir, name, command);
  }

  return container;
}

} // namespace harness {
