package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sluice/core/engine"
	"sluice/core/settings"
)

// nobody is whom the attackers run as.
const nobody = 65534

// host is an agent's part: it serves containers, and lays out their sandboxes.
type host struct {
	engine *engine.Engine
	boxes  string
}

// newHost opens an engine below directory, with the parameters of the attack; those that
// lift bounds are left out where the version does not know them.
func newHost(directory string, a attack, log *slog.Logger) (*host, error) {
	own := append(parameters("state_dir", filepath.Join(directory, "state")), a.operator...)
	module, _, err := settings.ParseModule(append(a.lifted, own...))
	if err != nil {
		if module, _, err = settings.ParseModule(own); err != nil {
			return nil, err
		}
	}
	h := &host{boxes: filepath.Join(directory, "boxes")}
	if err := os.MkdirAll(h.boxes, 0o755); err != nil {
		return nil, err
	}
	h.engine, err = engine.Open(module, log)
	return h, err
}

// launch prepares a container of nobody.
func (h *host) launch(id string, variables []settings.Variable) (box string, stdout, stderr *os.File, err error) {
	box = filepath.Join(h.boxes, id)
	if err := errors.Join(os.Mkdir(box, 0o755), os.Chown(box, nobody, nobody)); err != nil {
		return "", nil, nil, err
	}
	d, err := h.engine.Prepare(engine.Launch{ContainerID: id, Sandbox: box, User: "nobody", Environment: variables})
	if err != nil {
		return "", nil, nil, err
	}
	return box, os.NewFile(uintptr(d.Stdout), "stdout"), os.NewFile(uintptr(d.Stderr), "stderr"), nil
}

// attacker starts one, and waits until it has made its preparations.
func (h *host) attacker(id string, a attack, planted int) (*exec.Cmd, error) {
	box, stdout, stderr, err := h.launch(id, a.variables)
	if err != nil && a.allowed != nil {
		fmt.Fprintf(os.Stderr, "attacks: %s: refused, made with what is allowed: %v\n", a.name, err)
		box, stdout, stderr, err = h.launch(id+"-again", a.allowed)
	}
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	defer stderr.Close()
	task := exec.CommandContext(context.Background(), "/proc/self/exe")
	task.Dir, task.Stdout, task.Stderr = box, stdout, stderr
	task.Env = append(os.Environ(), roleVariable+"="+a.role, fmt.Sprintf("%s=%d", plantedVariable, planted))
	task.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, Pdeathsig: syscall.SIGKILL,
	}
	if err := task.Start(); err != nil {
		return nil, err
	}
	for {
		if _, err := os.Stat(filepath.Join(box, readyName)); err == nil {
			return task, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// honestFiles is how many rotated files an honest container has at the least.
const honestFiles = 5

// honest makes a container with its rotated files; it is silent afterwards.
func (h *host) honest(id string, a attack) (box string, err error) {
	variables := append(sizes("1MB"), options2(fmt.Sprintf("rotate %d", honestFiles))[0])
	if a.operatorsOptions {
		variables = nil
	}
	box, stdout, _, err := h.launch(id, variables)
	if err != nil {
		return "", err
	}
	line := strings.Repeat("h", 99) + "\n"
	text := []byte(strings.Repeat(line, (honestFiles<<20+1<<19)/len(line)))
	if _, err := stdout.Write(text); err != nil {
		return "", err
	}
	for rotated(box) < honestFiles || h.engine.Metrics().Compressions > 0 {
		time.Sleep(time.Millisecond)
	}
	return box, nil
}

// rotated counts the rotated files of an honest container.
func rotated(box string) int {
	numbered, _ := filepath.Glob(filepath.Join(box, "stdout.[0-9]*"))
	dated, _ := filepath.Glob(filepath.Join(box, "stdout-*"))
	return len(numbered) + len(dated)
}
