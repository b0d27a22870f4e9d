package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Ends the output of a command of a console block.
const outputEnd = "\x1e"

// TestCommands runs the command lines of every page, each page on a machine of its own.
func TestCommands(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: only root can mount an overlay")
	}
	staged := install(t)
	for _, page := range pages(t) {
		all := blocks(t, page)
		if _, elsewhere := tested[page]; elsewhere || !slices.ContainsFunc(all, block.commands) {
			continue
		}
		t.Run(page, func(t *testing.T) { runPage(t, staged, page, all) })
	}
}

// install puts the products into a directory, as below the root of a machine, and the
// stand-in for an agent as the agent.
func install(t *testing.T) string {
	t.Helper()
	build, demanded := os.LookupEnv("SLUICE_BUILD")
	if !demanded {
		build = filepath.Join(root, "build")
	}
	build, err := filepath.Abs(build)
	require.NoError(t, err)
	harness := filepath.Join(build, "sluice-harness")
	if _, err := os.Stat(harness); err != nil && !demanded {
		t.Skipf("%s is missing: run make build first", harness)
	}
	staged := t.TempDir()
	require.NoError(t, os.Chmod(staged, 0o755))
	cmd := exec.Command("cmake", "--install", build, "--prefix", "/usr")
	cmd.Env = append(os.Environ(), "DESTDIR="+staged)
	output(t, cmd)
	for from, to := range map[string]string{
		harness: "usr/libexec/stand-in/sluice-harness",
		filepath.Join(build, "tests/mesosapi/libmesosapi.so"): "usr/libexec/stand-in/libmesosapi.so",
		"agent": "usr/sbin/mesos-slave",
	} {
		to = filepath.Join(staged, to)
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
		output(t, exec.Command("cp", "--dereference", from, to))
	}
	require.NoError(t, os.Symlink("mesos-slave", filepath.Join(staged, "usr/sbin/mesos-agent")))
	// The name by which an installed Mesos is known.
	mesos := filepath.Join(staged, "usr/lib/libmesos-1.12.0-slice.so")
	require.NoError(t, os.Symlink("/usr/libexec/stand-in/libmesosapi.so", mesos))
	return staged
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", cmd, text)
	return string(text)
}

// runPage hands the blocks to the script `page` and compares what they print.
func runPage(t *testing.T, staged, page string, all []block) {
	dir := t.TempDir()
	output(t, exec.Command("cp", "page", dir))
	name := func(b block, ending string) string { return filepath.Join(dir, fmt.Sprintf("%04d.%s", b.line, ending)) }
	write := func(b block, ending, text string) {
		require.NoError(t, os.WriteFile(name(b, ending), []byte(text), 0o644))
	}
	for _, b := range all {
		switch {
		case b.unrun != "":
		case b.file != "":
			write(b, "text", b.text)
			write(b, "sh", "mkdir -p "+filepath.Dir(b.file)+" && cp /mnt/"+filepath.Base(name(b, "text"))+" "+b.file+"\n")
		case b.language == "console":
			commands, _ := session(b.text)
			write(b, "sh", "set +e\n"+strings.Join(commands, "status=$?; printf '"+outputEnd+"'; (exit $status)\n")+"true\n")
		case b.commands():
			write(b, "sh", b.text)
			if b.background != "" {
				write(b, "background", b.background)
			}
		}
	}
	cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "../chroot/run", "/", dir, "../chroot/stage", staged, "bash", "/mnt/page")
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: line %s", page, text)
	for _, b := range all {
		if b.language != "console" || b.unrun != "" {
			continue
		}
		commands, expected := session(b.text)
		printed, err := os.ReadFile(name(b, "out"))
		require.NoError(t, err)
		outputs := strings.Split(string(printed), outputEnd)
		require.Len(t, outputs, len(commands), "%s: line %d: %s", page, b.line, printed)
		for i, command := range commands {
			require.Regexp(t, pattern(expected[i]), outputs[i], "%s: line %d: $ %s", page, b.line, command)
		}
	}
}

// session splits a console block into commands and what they print.
func session(text string) (commands, expected []string) {
	continued := false
	for line := range strings.Lines(text) {
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case isCommand:
			commands, expected = append(commands, command), append(expected, "")
		case continued:
			commands[len(commands)-1] += line
		default:
			expected[len(expected)-1] += line
		}
		continued = (isCommand || continued) && strings.HasSuffix(line, "\\\n")
	}
	return commands, expected
}

// pattern matches an output as a page shows it.
func pattern(expected string) *regexp.Regexp {
	var p strings.Builder
	p.WriteString(`\A`)
	for line := range strings.Lines(expected) {
		if line == "...\n" {
			p.WriteString(`(?:.*\n)*`)
			continue
		}
		p.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*"))
	}
	p.WriteString(`\z`)
	return regexp.MustCompile(p.String())
}
