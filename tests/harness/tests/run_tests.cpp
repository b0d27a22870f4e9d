// The harness as a program, with the plain logger of the test modules.

#include <stdio.h>
#include <stdlib.h>

#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <glog/logging.h>

#include <gtest/gtest.h>

#include <picojson.h>

namespace fs = std::filesystem;

using std::string;

namespace {

struct Result
{
  int status;
  string out;
};


string readFile(const string& path)
{
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}


class RunTest : public testing::Test
{
protected:
  void SetUp() override
  {
    char path[] = "/tmp/sluice-run-XXXXXX";
    ASSERT_NE(nullptr, mkdtemp(path));
    root = path;
  }

  void TearDown() override { fs::remove_all(root); }

  // Runs the harness with the module `plain`, told to fail at `fail`.
  Result run(const string& arguments, const string& fail = "")
  {
    std::ofstream(root + "/modules.json")
      << R"({"libraries": [{"file": ")" << TEST_MODULES
      << R"(", "modules": [{"name": "plain", "parameters": [)"
      << R"({"key": "fail", "value": ")" << fail << R"("}]}]}]})";

    const string command =
      "cd / && " SLUICE_HARNESS " --modules=file://" + root +
      "/modules.json --container_logger=plain --work_dir=" + root + "/work " +
      arguments + " 2>" + root + "/log";

    FILE* pipe = popen(command.c_str(), "r");
    CHECK_NOTNULL(pipe);

    Result result;
    char buffer[4096];
    size_t length;
    while ((length = fread(buffer, 1, sizeof(buffer), pipe)) > 0) {
      result.out.append(buffer, length);
    }

    const int status = pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
  }

  string log() const { return readFile(root + "/log"); }

  string root;
};


picojson::object parse(const string& json)
{
  picojson::value value;
  const string error = picojson::parse(value, json);
  EXPECT_EQ("", error);
  return value.get<picojson::object>();
}

} // namespace {


TEST_F(RunTest, GivesTheTaskWhatAnAgentGives)
{
  const Result result = run(
    "--json --task_env=COLOUR=red -- sh -c "
    "'pwd; echo $COLOUR; readlink /proc/self/fd/0; "
    "cut -d\" \" -f1,6 /proc/$$/stat; echo error >&2'");

  ASSERT_EQ(0, result.status) << log();
  picojson::object report = parse(result.out);
  picojson::object container =
    report["containers"].get<picojson::array>()[0].get<picojson::object>();

  const string sandbox = container["sandbox"].get<string>();
  const string pid =
    std::to_string(static_cast<int>(container["pid"].get<double>()));

  // The session is the task's own.
  EXPECT_EQ(
    sandbox + "\nred\n/dev/null\n" + pid + " " + pid + "\n",
    readFile(sandbox + "/stdout"));
  EXPECT_EQ("error\n", readFile(sandbox + "/stderr"));
  EXPECT_EQ(0, container["exit_status"].get<double>());
  EXPECT_EQ(2u, container["files"].get<picojson::array>().size());

  picojson::object descriptors = report["descriptors"].get<picojson::object>();
  EXPECT_EQ(
    descriptors["before"].get<double>(), descriptors["after"].get<double>());
}


TEST_F(RunTest, GivesTheTasksExitStatus)
{
  EXPECT_EQ(7, run("-- sh -c 'exit 7'").status);
  EXPECT_EQ(128 + 9, run("-- sh -c 'kill -9 $$'").status);
}


TEST_F(RunTest, StartsManyContainers)
{
  const Result result = run("--json --containers=40 --parallel=7 -- true");
  ASSERT_EQ(0, result.status) << log();
  EXPECT_EQ(40u, parse(result.out)["containers"].get<picojson::array>().size());
}


TEST_F(RunTest, StartsNestedContainers)
{
  const Result result = run("--nested -- echo hello");
  ASSERT_EQ(0, result.status) << log();
  EXPECT_NE(string::npos, result.out.find("/containers/")) << result.out;
}


TEST_F(RunTest, StartsNoneAndWaitsForNothing)
{
  EXPECT_EQ(0, run("--containers=0").status) << log();
}


TEST_F(RunTest, ShowsTheSandbox)
{
  const Result result = run("-- echo hello");
  ASSERT_EQ(0, result.status) << log();
  EXPECT_NE(
    string::npos,
    result.out.find("mode        nlink   uid       gid       size"))
    << result.out;
  EXPECT_NE(string::npos, result.out.find(" 6 B ")) << result.out;
}


TEST_F(RunTest, SaysWhichStepFailed)
{
  EXPECT_EQ(126, run("-- true", "create").status);
  EXPECT_NE(
    string::npos,
    log().find("Failed to create container logger module 'plain': Error "
               "creating Module instance for 'plain'"))
    << log();

  EXPECT_EQ(126, run("-- true", "initialize").status);
  EXPECT_NE(
    string::npos,
    log().find("Failed to initialize container logger module: told to fail"))
    << log();

  const Result result = run("-- true", "prepare");
  EXPECT_EQ(125, result.status);
  EXPECT_NE(
    string::npos,
    result.out.find("Failed to prepare the container's log: told to fail"))
    << result.out;

  EXPECT_EQ(127, run("--sparkle").status);
  EXPECT_EQ(126, run("--user=no-such-user -- true").status);
}
