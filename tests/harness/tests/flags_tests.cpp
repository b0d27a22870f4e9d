#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "flags.hpp"

using std::string;
using std::vector;

using harness::Flags;

namespace {

Try<Flags> parse(vector<string> arguments)
{
  arguments.insert(arguments.begin(), "sluice-harness");

  vector<char*> argv;
  for (string& argument : arguments) {
    argv.push_back(&argument[0]);
  }
  argv.push_back(nullptr);

  return Flags::parse(static_cast<int>(arguments.size()), argv.data());
}


string refusal(const vector<string>& arguments)
{
  Try<Flags> flags = parse(arguments);
  return flags.isError() ? flags.error() : "taken";
}

} // namespace {


TEST(FlagsTest, TakesWhatAnAgentTakes)
{
  Try<Flags> flags = parse(
    {"--modules=file:///m.json",
     "--container_logger=logger",
     "--task_env=A=1",
     "--task_env=B=x=y",
     "--containers=200",
     "--user=nobody",
     "--",
     "ls",
     "--json"});

  ASSERT_TRUE(flags.isSome()) << flags.error();
  EXPECT_EQ("file:///m.json", flags->modules);
  EXPECT_EQ("logger", flags->containerLogger);
  EXPECT_EQ("1", flags->taskEnvironment["A"]);
  EXPECT_EQ("x=y", flags->taskEnvironment["B"]);
  EXPECT_EQ(200u, flags->containers);
  EXPECT_EQ("nobody", flags->user.get());
  EXPECT_EQ(vector<string>({"ls", "--json"}), flags->command);
  EXPECT_FALSE(flags->json);
}


TEST(FlagsTest, RefusesWithTheReason)
{
  const string modules = "--modules={}";
  const string logger = "--container_logger=l";

  EXPECT_EQ(
    "--modules is missing: a path, or the JSON itself",
    refusal({logger, "ls"}));
  EXPECT_EQ(
    "--container_logger is missing: the name of a module",
    refusal({modules, "ls"}));
  EXPECT_EQ(
    "A command is missing: put it behind `--`", refusal({modules, logger}));
  EXPECT_EQ("taken", refusal({modules, logger, "--containers=0"}));
  EXPECT_EQ(
    "--containers=-1: expected a whole number of at most seven digits",
    refusal({modules, logger, "--containers=-1", "ls"}));
  EXPECT_EQ(
    "--task_env=A: expected NAME=VALUE",
    refusal({modules, logger, "--task_env=A", "ls"}));
  EXPECT_EQ(
    "--container_class=NESTED: expected DEFAULT or DEBUG",
    refusal({modules, logger, "--container_class=NESTED", "ls"}));
  EXPECT_EQ(
    "--logging_level=DEBUG: expected INFO, WARNING or ERROR",
    refusal({modules, logger, "--logging_level=DEBUG", "ls"}));
  EXPECT_EQ(
    "--sparkle: unknown flag, or a value where none is taken",
    refusal({"--sparkle"}));
  EXPECT_EQ("--user: a value is missing", refusal({"--user"}));
}
