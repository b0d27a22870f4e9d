#include <stdlib.h>

#include <sys/stat.h>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "workdir.hpp"

namespace fs = std::filesystem;

using std::string;

using harness::newId;
using harness::WorkDir;

class WorkDirTest : public testing::Test
{
protected:
  void SetUp() override
  {
    char path[] = "/tmp/sluice-workdir-XXXXXX";
    ASSERT_NE(nullptr, mkdtemp(path));
    root = path;
  }

  void TearDown() override { fs::remove_all(root); }

  string root;
};


TEST_F(WorkDirTest, LaysOutASandboxAsAnAgentDoes)
{
  Try<WorkDir> workDir = WorkDir::open(root);
  ASSERT_TRUE(workDir.isSome()) << workDir.error();

  mesos::ContainerID id;
  id.set_value(newId());
  Try<string> sandbox = workDir->createSandbox("task-0", id, None());
  ASSERT_TRUE(sandbox.isSome()) << sandbox.error();

  const string runs = root + "/slaves/" + workDir->agentId() + "/frameworks/" +
                      workDir->frameworkId() + "/executors/task-0/runs";

  EXPECT_EQ(runs + "/" + id.value(), sandbox.get());
  EXPECT_EQ(sandbox.get(), fs::read_symlink(runs + "/latest"));
  EXPECT_EQ(
    root + "/meta/slaves/" + workDir->agentId(),
    fs::read_symlink(root + "/meta/slaves/latest"));
  EXPECT_FALSE(fs::exists(fs::symlink_status(root + "/slaves/latest")));

  struct stat s;
  ASSERT_EQ(0, ::stat(sandbox->c_str(), &s));
  EXPECT_EQ(0750u, s.st_mode & 07777);
}


TEST_F(WorkDirTest, KeepsTheAgentsIdOverRestarts)
{
  Try<WorkDir> first = WorkDir::open(root);
  Try<WorkDir> second = WorkDir::open(root);
  ASSERT_TRUE(first.isSome());
  ASSERT_TRUE(second.isSome());
  EXPECT_EQ(first->agentId(), second->agentId());
}


TEST_F(WorkDirTest, PutsANestedSandboxBelowItsParents)
{
  Try<WorkDir> workDir = WorkDir::open(root);
  ASSERT_TRUE(workDir.isSome()) << workDir.error();

  mesos::ContainerID id;
  id.set_value("child");
  id.mutable_parent()->set_value("middle");
  id.mutable_parent()->mutable_parent()->set_value("root");

  Try<string> sandbox = workDir->createSandbox("task-0", id, None());
  ASSERT_TRUE(sandbox.isSome()) << sandbox.error();
  EXPECT_TRUE(fs::is_directory(sandbox.get()));
  EXPECT_NE(
    string::npos,
    sandbox->find("/runs/root/containers/middle/containers/child"));
}


TEST_F(WorkDirTest, RefusesAnUnknownUser)
{
  Try<WorkDir> workDir = WorkDir::open(root);
  ASSERT_TRUE(workDir.isSome()) << workDir.error();

  mesos::ContainerID id;
  id.set_value("c");
  Try<string> sandbox =
    workDir->createSandbox("task-0", id, string("no-such-user"));
  ASSERT_TRUE(sandbox.isError());
  EXPECT_EQ("Unknown user 'no-such-user'", sandbox.error());
}


TEST_F(WorkDirTest, RefusesAPathBelowAFile)
{
  Try<WorkDir> workDir = WorkDir::open("/dev/null/work");
  ASSERT_TRUE(workDir.isError());
  EXPECT_EQ(
    "Failed to make the directory '/dev/null/work/slaves': Not a directory",
    workDir.error());
}
