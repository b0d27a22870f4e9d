package hostile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// replacedVariable names the binary of mesos-logrotate-logger. Its libraries are
// found as usual (LD_LIBRARY_PATH).
const replacedVariable = "MESOS_LOGROTATE_LOGGER"

// hangsAfter is when an attack counts as one that stopped the logger.
const hangsAfter = 20 * time.Second

// TestReplacedProgram makes the same attacks on the program that sluice replaces and
// logs what became of them; docs/security.md has the table. It asserts nothing.
func TestReplacedProgram(t *testing.T) {
	program, given := os.LookupEnv(replacedVariable)
	if !given {
		t.Skipf("missing program: %s names no mesos-logrotate-logger", replacedVariable)
	}
	needRoot(t)
	for _, a := range attacks() {
		for _, user := range a.as {
			if a.name == "state directory by the descriptor" || a.name == control.name {
				continue // it has no such directory
			}
			p := newProof(t)
			p.sandbox = sandboxFor(t, user)
			verdict := runReplaced(t, program, a, user, p)
			t.Logf("| %s (%s) | %s | %s |", a.name, user, a.wants, verdict)
		}
	}
	for _, tt := range texts {
		if tt.variable != optionsVariable {
			continue
		}
		p := newProof(t)
		p.sandbox = sandboxFor(t, ordinary)
		a := attack{name: "text", options: strings.ReplaceAll(tt.value, "RAN", p.outside+"/ran")}
		t.Logf("| %s | text | %s |", tt.name, runReplaced(t, program, a, ordinary, p))
	}
}

func sandboxFor(t *testing.T, user string) string {
	t.Helper()
	dir := filepath.Join(openDirectory(t), "sandbox")
	require.NoError(t, os.Mkdir(dir, 0o755))
	uid, gid := idsOf(t, user)
	require.NoError(t, os.Chown(dir, uid, gid))
	return dir
}

// runReplaced feeds the program what the attacker prints.
func runReplaced(t *testing.T, program string, a attack, user string, p *proof) string {
	t.Helper()
	uid, gid := idsOf(t, user)
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	logger := exec.CommandContext(t.Context(), program, "--log_filename="+p.sandbox+"/stdout", "--user="+user,
		fmt.Sprintf("--max_size=%dB", limitBytes), "--logrotate_options="+a.options)
	logger.Stdin = reader
	require.NoError(t, logger.Start())
	_ = reader.Close()

	task := exec.CommandContext(t.Context(), "sh", "-c", "seq 100000")
	if find(a.name) != nil {
		task = exec.CommandContext(t.Context(), attacker(t, p.dir))
		task.Env = append(os.Environ(), environment(t, a, p, "")...)
	}
	task.Dir, task.Stdout = p.sandbox, writer
	task.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	require.NoError(t, task.Start())
	_ = writer.Close()
	var verdicts []string
	for name, process := range map[string]*exec.Cmd{"task": task, "logger": logger} {
		if said := ended(name, process); said != "" {
			verdicts = append(verdicts, said)
		}
	}
	verdicts = append(verdicts, p.damage(a)...)
	if len(verdicts) == 0 {
		return "stopped"
	}
	return strings.Join(verdicts, "; ")
}

// ended waits for a process, not for ever.
func ended(name string, process *exec.Cmd) string {
	timer := time.AfterFunc(hangsAfter, func() { _ = process.Process.Kill() })
	err := process.Wait()
	var exit *exec.ExitError
	switch {
	case !timer.Stop():
		return "the " + name + " hangs"
	case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled():
		return "the " + name + " died of " + exit.Sys().(syscall.WaitStatus).Signal().String()
	case err != nil:
		return "the " + name + " failed: " + err.Error()
	}
	return ""
}

// damage lists what an attack has reached.
func (p *proof) damage(a attack) []string {
	var found []string
	if content, _ := os.ReadFile(p.dir + "/root/canary"); string(content) != canaryText {
		found = append(found, "wrote "+strconv.Itoa(len(content)-len(canaryText))+" bytes to root's file")
	}
	if entries, _ := os.ReadDir(p.dir + "/root"); len(entries) != 2 {
		found = append(found, "made "+strconv.Itoa(len(entries)-2)+" names in root's directory")
	}
	if content, _ := os.ReadFile(p.outside + "/precious"); string(content) != "precious\n" {
		found = append(found, "wrote to another file of the user")
	}
	if _, err := os.Stat(p.outside + "/ran"); err == nil {
		found = append(found, "ran a command on the host")
	}
	extends := strings.Contains(a.name, "extended")
	if info, err := os.Lstat(p.sandbox + "/stdout"); !extends && err == nil && info.Size() > 2*limitBytes {
		found = append(found, fmt.Sprintf("the live file has %d times its limit", info.Size()/limitBytes))
	}
	return found
}
