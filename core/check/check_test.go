package check

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/settings"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing them")

// lib makes a shared library that offers what ours does, for all that can be seen
// without loading it.
func lib(t *testing.T, text, symbol string) string {
	t.Helper()
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("missing program: cc, to make a library to look into")
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "module.c")
	require.NoError(t, os.WriteFile(source, []byte(
		"const char* const text[] = {\"first\", \""+text+"\", \"1.11.0-slice\"};\nint "+symbol+"[16] = {1};\n"), 0o600))
	path := filepath.Join(dir, "libmodule.so")
	out, err := exec.Command(compiler, "-shared", "-fPIC", "-o", path, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// manifest is a modules file of our module with these parameters.
func manifest(library string, parameters ...string) string {
	var list []string
	for i := 0; i < len(parameters); i += 2 {
		list = append(list, `{"key": "`+parameters[i]+`", "value": "`+parameters[i+1]+`"}`)
	}
	return `{"libraries": [{"file": "` + library + `", "modules": [{"name": "sluice_ContainerLogger", "parameters": [` +
		strings.Join(list, ", ") + `]}]}]}`
}

// texts gives the findings of a severity.
func texts(r *Report, of Severity) (found []string) {
	for _, f := range r.Findings {
		if f.Severity == of {
			found = append(found, f.Text)
		}
	}
	return found
}

// TestGolden holds the whole output of a file with something of everything against
// what is in testdata.
func TestGolden(t *testing.T) {
	library := lib(t, "Sluice container logger 9.8.7", "sluice_ContainerLogger")
	state := t.TempDir()
	for _, name := range []string{"errors", "policy"} {
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			require.NoError(t, err)
			text := strings.NewReplacer("LIBRARY", library, "STATE", state).Replace(string(source))
			r := Run(Request{
				Modules:         text,
				ContainerLogger: "sluice_ContainerLogger",
				TaskEnv:         []settings.Variable{{Name: "CONTAINER_LOGGER_MAX_STDERR_SIZE", Value: "2MB"}},
				Containers:      40,
				Mesos:           map[string]string{"errors": "1.12.0", "policy": "1.11.0-slice"}[name],
			})
			var out bytes.Buffer
			require.NoError(t, r.Print(&out))
			got := strings.NewReplacer(library, "LIBRARY", state, "STATE").Replace(out.String())
			if r.Errors() == 0 {
				assert.Equal(t, stateWarned(t, state), strings.Contains(got, notTmpfs))
			}
			got = regexp.MustCompile(`(?m)^.*`+notTmpfs+`.*\n`).ReplaceAllString(got, "")
			got = regexp.MustCompile(`, \d+ warnings?\n$`).ReplaceAllString(got, ", N warnings\n")
			golden := filepath.Join("testdata", name+".txt")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
		})
	}
}

// notTmpfs is of the warning that depends on where the test runs.
const notTmpfs = "is not on a tmpfs"

// stateWarned tells whether a state directory there is worth a warning.
func stateWarned(t *testing.T, dir string) bool {
	t.Helper()
	var fs unix.Statfs_t
	require.NoError(t, unix.Statfs(dir, &fs))
	return fs.Type != unix.TMPFS_MAGIC && fs.Type != unix.RAMFS_MAGIC
}

func TestSyntaxHasItsPlace(t *testing.T) {
	for _, c := range []struct {
		name, text   string
		line, column int
		message      string
	}{
		{"comma at the end", "{\n  \"libraries\": [],\n}", 3, 1, "invalid character '}'"},
		{"cut off", "{\"libraries\": [", 1, 16, "unexpected end of JSON input"},
		{"no quotes", "{\n\t\"libraries\": [{file: 1}]}", 2, 17, "invalid character 'f'"},
		{"something behind", "{}\n{}", 2, 1, "invalid character '{' after top-level value"},
		{"comment", "{ // a comment\n}", 1, 3, "invalid character '/'"},
		{"an object left open", "{\"libraries\": [\n  {\"file\": \"x\"\n]}", 3, 1, "invalid character ']' after object key:value pair; the { of line 2, column 3 is not closed"},
		{"all left open", "{\n  \"libraries\": [\n", 3, 1, "unexpected end of JSON input; the [ of line 2, column 16 is not closed"},
		{"a bracket in a string", "{\"a]\\\"}\": [", 1, 12, "unexpected end of JSON input; the [ of line 1, column 11 is not closed"},
		{"a string left open", "{\"libraries\": \"x", 1, 17, "unexpected end of JSON input; the string of line 1, column 15 is not closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Run(Request{Modules: c.text})
			require.Len(t, r.Findings, 1)
			f := r.Findings[0]
			assert.Equal(t, Error, f.Severity)
			assert.Equal(t, []int{c.line, c.column}, []int{f.Line, f.Column}, f.Text)
			assert.Contains(t, f.Text, "this is no JSON: "+c.message)
		})
	}
}

func TestWhatTheAgentRefuses(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.so")
	require.NoError(t, os.WriteFile(text, []byte("no library"), 0o600))
	good := lib(t, "Sluice container logger 1", "sluice_ContainerLogger")
	other := lib(t, "Another logger", "org_apache_mesos_LogrotateContainerLogger")
	third := lib(t, "A third logger", "com_example_ContainerLogger")
	for _, c := range []struct {
		name, modules, logger, message string
	}{
		{"no file", "/no/such.json", "", "open /no/such.json: no such file or directory"},
		{"a directory", "file:///", "", "read /: is a directory"},
		{"no object", `{}[`, "", "this is no JSON"},
		{"a list", filepathOf(t, `[]`), "", `expected a JSON object with "libraries", found an array`},
		{"nothing of ours", `{}`, "", "there is no module of this container logger"},
		{"a string for a list", `{"libraries": "x"}`, "", `"libraries" has a string in it, expected objects`},
		{"a library without name", `{"libraries": [{}]}`, "", `a library has neither "file" nor "name"`},
		{"a module without name", `{"libraries": [{"file": "` + good + `", "modules": [{}]}]}`, "", `a module has no "name"`},
		{"a number", manifest2(good, `{"key": "max_stdout_size", "value": 10}`), "", `"value" is a number; the agent expects a string: put it in quotes`},
		{"no value", manifest2(good, `{"key": "max_stdout_size"}`), "", `a parameter of module "sluice_ContainerLogger" needs "key" and "value"`},
		{"library missing", manifest("/no/such.so"), "", `library "/no/such.so" does not exist`},
		{"library a directory", manifest("/usr"), "", `library "/usr" is not a file`},
		{"library a text", manifest(text), "", `library "` + text + `" is no shared library`},
		{"library without the module", manifest(other), "", `offers no module "sluice_ContainerLogger"`},
		{"the logger not there", manifest(good), "sluice_ContainerLoger", `--container_logger=sluice_ContainerLoger: there is no module of that name; the file has "sluice_ContainerLogger"`},
		{"the logger of somebody else", strings.Replace(manifest(other), "sluice_", "org_apache_mesos_Logrotate", 1), "org_apache_mesos_LogrotateContainerLogger", "the file still names \"" + other + "\", the library of Mesos' own logger: the agent would start with that"},
		{"a logger of nobody we know", strings.Replace(manifest(third), "sluice_", "com_example_", 1), "com_example_ContainerLogger", "the module is not of this project"},
		{"a wrong value", manifest(good, "max_delay", "1"), "", `parameter max_delay: "1" has no unit`},
		{"given twice", manifest(good, "max_delay", "1ms", "max_delay", "2ms"), "", "parameter max_delay: is given twice; expected it once"},
		{"an unknown user", manifest(good, "logrotate_stdout_options", `create 0600 no-such-user-here`), "", `unknown user`},
		{"a state_dir for everybody", manifest(good, "state_dir", open(t)), "", "has mode 0777, expected 0700"},
		{"a state_dir that is a link", manifest(good, "state_dir", linkTo(t, "/run")), "", "is a link: the agent would not start; expected a directory"},
		{"a state_dir that is a file", manifest(good, "state_dir", text), "", "is not a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Run(Request{Modules: c.modules, ContainerLogger: c.logger})
			assert.Contains(t, strings.Join(texts(r, Error), "\n"), c.message)
		})
	}
}

func filepathOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "modules.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return "file://" + path
}

// manifest2 has the parameter as JSON.
func manifest2(library, parameter string) string {
	return strings.Replace(manifest(library), `"parameters": [`, `"parameters": [`+parameter, 1)
}

func linkTo(t *testing.T, target string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(target, path))
	return path
}

func open(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o777))
	return dir
}

// TestFileNobodyMayRead runs without rights where it can.
func TestFileNobodyMayRead(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("missing: a user who may not read every file, as root may")
	}
	path := filepath.Join(t.TempDir(), "modules.json")
	require.NoError(t, os.WriteFile(path, []byte("{}"), 0))
	assert.Contains(t, texts(Run(Request{Modules: path}), Error)[0], "permission denied")
}

func TestTaskVariables(t *testing.T) {
	text := manifest("/no/such.so", "task_max_size", "20MB", "task_max_files", "4", "state_dir", t.TempDir(), "times", "false")
	ask := func(user string, pairs ...string) *Report {
		var env []settings.Variable
		for i := 0; i < len(pairs); i += 2 {
			env = append(env, settings.Variable{Name: pairs[i], Value: pairs[i+1]})
		}
		return Run(Request{Modules: text, User: user, TaskEnv: env})
	}
	t.Run("in force", func(t *testing.T) {
		r := ask("", "CONTAINER_LOGGER_MAX_STDOUT_SIZE", "15MB", "PATH", "/bin")
		require.Len(t, r.Loggers, 1)
		assert.Equal(t, int64(30<<20), r.Loggers[0].Policies[0].MostBytes)
		assert.Equal(t, int64(50<<20), r.Loggers[0].Disk.ContainerBytes)
		assert.Equal(t, int64(2*5*20<<20), r.Loggers[0].Disk.TaskBytes, "all that the ceilings leave")
	})
	t.Run("all errors are told", func(t *testing.T) {
		r := ask("", "CONTAINER_LOGGER_MAX_STDOUT_SIZE", "1GB", "CONTAINER_LOGGER_MAX_STDER_SIZE", "1MB",
			"CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", "rotate 9")
		told := strings.Join(texts(r, Error), "\n")
		assert.Contains(t, told, `task variable CONTAINER_LOGGER_MAX_STDOUT_SIZE: "1GB" is more than the operator allows`)
		assert.Contains(t, told, `CONTAINER_LOGGER_MAX_STDER_SIZE: there is no such variable; the nearest is CONTAINER_LOGGER_MAX_STDERR_SIZE`)
		assert.Contains(t, told, `CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS: line 1: "rotate 9" is more than`)
		assert.Empty(t, r.Loggers)
	})
	t.Run("unknown user", func(t *testing.T) {
		assert.Contains(t, strings.Join(texts(ask("no-such-user-here"), Error), "\n"), "--user=no-such-user-here: this machine does not know that user")
	})
}

func TestAdvice(t *testing.T) {
	const none = ""
	for _, c := range []struct{ options, warning string }{
		{"rotate 3", none},
		{"rotate 3\ncompress\ndelaycompress", none},
		{"rotate 0", "stdout: rotate 0 keeps no rotated file"},
		{"rotate -1", "stdout: rotate -1 keeps every file"},
		{"rotate 3\ncompress", "stdout: compress without delaycompress"},
		{"rotate 3\ndelaycompress", "stdout: delaycompress has no effect without compress"},
		{"rotate 3\ndateext", none},
		{"rotate 3\ndateext\ndaily", none},
		{"rotate 3\ndateext\nhourly", "rotated every hour, and its names tell the day only"},
		{"rotate 3\ndateext\nhourly\ndateformat -%Y%m%d%H", none},
		{"rotate 3\ndateext\nhourly\ndateformat -%s", none},
		{"rotate 3\ndateext\nweekly\ndateformat -%Y-%m", "rotated every week, and its names tell the month only"},
		{"rotate 3\nmaxsize 20M", "stdout: maxsize 20MB is above the limit of 10MB (default) and has no effect"},
		{"rotate 3\nmaxsize 10M", none},
		{"rotate 3\nextension .log", `stdout: extension ".log" has no effect: the name of the file does not end so; expected addextension`},
		{"rotate 3\nextension out", none},
		{"rotate 3\ndateext\ndateformat -%d-%m-%Y", "do not sort by age"},
		{"rotate 3\ndateext\ndateformat -%m%d", "do not sort by age"},
		{"rotate 3\ndateext\ndateformat -%H%M", "do not sort by age"},
		{"rotate 3\ndateext\ndateformat -%Y-%V", "do not sort by age"},
		{"rotate 3\ndateext\ndateformat -%Y%d", "do not sort by age"},
		{"rotate 3\ndateext\ndateformat .%Y-%m-%d_%H:%M:%S", none},
		{"rotate 3\ndateext\ndateformat %Y%j%m%d", none},
		{"rotate 3\ndateext\nhourly\ndateyesterday\ndateformat -%Y%m%d%H", "the hour in the names is always 12"},
		{"rotate 3\ndateext\ndateyesterday", none},
		{"rotate 3\ndateext\ndateformat -old", `the dateformat "-old" has no date in it`},
	} {
		t.Run(c.options, func(t *testing.T) {
			r := &Report{}
			operator, _, err := machine.ParseModule([]settings.Parameter{{Key: "logrotate_stdout_options", Value: c.options}})
			require.NoError(t, err)
			r.advise("stdout", operator.Stdout)
			if c.warning == none {
				assert.Empty(t, r.Findings)
				return
			}
			require.Len(t, r.Findings, 1)
			assert.Contains(t, r.Findings[0].Text, c.warning)
			assert.Equal(t, Warning, r.Findings[0].Severity)
		})
	}
}

// TestVerdicts: what an error keeps from starting is said as it is.
func TestVerdicts(t *testing.T) {
	old := lib(t, "Another logger", "org_apache_mesos_LogrotateContainerLogger")
	for _, c := range []struct {
		name, modules, verdict string
		env                    []settings.Variable
	}{
		{"a parameter", manifest("/no/such.so", "max_delay", "1"), "the agent would refuse <inline>", nil},
		{"a task", manifest("x.so"), "the launch of such a task would fail", []settings.Variable{{Name: "CONTAINER_LOGGER_STDOUT", Value: "x"}}},
		{"the old library", strings.Replace(manifest(old), "sluice_", "org_apache_mesos_Logrotate", 1), "<inline> does not lead to sluice", nil},
		{"nothing", manifest("x.so"), "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.verdict, Run(Request{Modules: c.modules, TaskEnv: c.env}).Verdict())
		})
	}
}

// TestAllErrorsOfATextAreTold, each as a finding of its own.
func TestAllErrorsOfATextAreTold(t *testing.T) {
	r := Run(Request{Modules: manifest("x.so", "logrotate_stdout_options", `rotate x\nmail a@b\nmaxage y\ncompress`)})
	var lines []string
	for _, text := range texts(r, Error) {
		lines = append(lines, text[:len("parameter logrotate_stdout_options: line 1")])
	}
	assert.Equal(t, []string{
		"parameter logrotate_stdout_options: line 1", "parameter logrotate_stdout_options: line 2",
		"parameter logrotate_stdout_options: line 3",
	}, lines)
}

// TestATasksTextReplacesTheOperators, and that is said.
func TestATasksTextReplacesTheOperators(t *testing.T) {
	for value, gone := range map[string]string{"": "rotate, compress, delaycompress", "rotate 2\ncompress": "delaycompress"} {
		r := Run(Request{
			Modules: manifest("x.so", "logrotate_stdout_options", `rotate 9\ncompress\ndelaycompress`),
			TaskEnv: []settings.Variable{{Name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", Value: value}},
		})
		assert.Contains(t, texts(r, Info), "stdout: the text of task variable CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS takes the place of "+
			"all of the operator's: without effect are "+gone)
	}
}

// TestOwnersOfOthersAreToldWithoutAUser: the text is one for the tasks of all users.
func TestOwnersOfOthersAreToldWithoutAUser(t *testing.T) {
	for _, options := range []string{"su root root", "create 0640 root root", `olddir old\ncreateolddir 0700 root root`} {
		r := Run(Request{Modules: manifest("x.so", "logrotate_stdout_options", options)})
		assert.Contains(t, strings.Join(texts(r, Warning), "\n"), "task", options)
		assert.Contains(t, strings.Join(texts(r, Warning), "\n"), "parameter logrotate_stdout_options: line ", options)
		assert.Zero(t, r.Errors())
	}
}

// TestWorkIsLinear: a text of another kind that is valid JSON takes no longer than its
// length says, and fills no screen after screen.
func TestWorkIsLinear(t *testing.T) {
	for _, text := range []string{
		`{"libraries": [` + strings.Repeat("[],\n", 500_000) + "[]]}",
		`{` + strings.Repeat("\n\"a\": 1,", 500_000) + `"b": 1}`,
		`{"libraries": [{"modules": [` + strings.Repeat("{},\n", 200_000) + `{}]}]}`,
	} {
		done := make(chan *Report, 1)
		go func() { done <- Run(Request{Modules: text}) }()
		select {
		case r := <-done:
			assert.NotZero(t, r.Errors())
			assert.LessOrEqual(t, len(r.Findings), 3*maxFindings)
		case <-time.After(2 * time.Minute):
			t.Fatal("2 MB were read for two minutes; a second is what that takes")
		}
	}
}

func TestClosedOutput(t *testing.T) {
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	require.Error(t, Run(Request{Modules: "{}"}).Print(writer))
	require.NoError(t, writer.Close())
}

func FuzzManifest(f *testing.F) {
	f.Add(manifest("lib", "max_stdout_size", "10MB"))
	f.Add(`{"libraries": [{"file": null, "modules": [{"name": "a", "name": "b", "parameters": {"key": [], "value": 1e9}}]}]}`)
	f.Add("{\"a\":\xff}")
	f.Fuzz(func(t *testing.T, text string) {
		r := &Report{}
		root, ok := r.parse([]byte(text))
		if ok {
			for _, m := range r.modules(root) {
				r.parameters(m)
			}
		}
		lines := strings.Count(text, "\n") + 1
		for _, finding := range r.Findings {
			if finding.Line < 0 || finding.Line > lines || finding.Column < 0 || finding.Column > len(text)+1 {
				t.Fatalf("%v is outside of the text", finding)
			}
		}
		if !ok && r.Errors() == 0 {
			t.Fatal("neither a document nor an error")
		}
	})
}
